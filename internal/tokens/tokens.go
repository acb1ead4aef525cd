// Package tokens has the bearer tokens (RFC 6750) that a service accepts. Only their hashes
// are kept.
package tokens

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// Set has the SHA-256 hashes of tokens.
type Set [][]byte

const (
	mostTokens = 500     // of a file; the hashes, and three files of TLS of the largest size, must fit into one message to a worker
	mostBytes  = 1 << 20 // of a file
	fewBytes   = 16      // a shorter token can be guessed
)

// Read reads a file of tokens, one a line. Empty lines and lines that begin with # do not
// count, and neither do blanks around a token. The warnings say what is allowed and may be a
// mistake. The error and the warnings never contain a token.
func Read(path string) (s Set, warnings []string, err error) {
	b, err := regular.Read(path, mostBytes)
	if err != nil {
		return nil, nil, err
	}
	short := 0
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // some editors write it before the first line
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, mostBytes+1)
	for n := 1; lines.Scan(); n++ {
		token := strings.TrimSpace(lines.Text())
		if token == "" || token[0] == '#' {
			continue
		}
		if !valid(token) {
			return nil, nil, fmt.Errorf("%s:%d: this is no token: want letters, digits and -._~+/ with = at the end only", path, n)
		}
		if len(token) < fewBytes {
			short++
		}
		if len(s) == mostTokens {
			return nil, nil, fmt.Errorf("%s has more than %d tokens", path, mostTokens)
		}
		hash := sha256.Sum256([]byte(token))
		s = append(s, hash[:])
	}
	if len(s) == 0 {
		return nil, nil, fmt.Errorf("%s has no token", path)
	}
	if short > 0 {
		warnings = append(warnings, fmt.Sprintf("%s has a token of less than %d characters, which can be guessed: make one with openssl rand -hex 32", path, fewBytes))
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		warnings = append(warnings, fmt.Sprintf("every user of this machine can read the tokens in %s: chmod 0600 %[1]s", path))
	}
	return s, warnings, nil
}

// valid reports whether a token has the form that RFC 6750, 2.1 demands.
func valid(token string) bool {
	body := strings.TrimRight(token, "=")
	for _, c := range []byte(body) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/", rune(c)) {
			return false
		}
	}
	return body != ""
}

// Has reports whether a token is in the set. The time that it takes does not depend on how
// much of a token is right.
func (s Set) Has(token string) bool {
	hash := sha256.Sum256([]byte(token))
	found := 0
	for _, h := range s {
		found |= subtle.ConstantTimeCompare(h, hash[:])
	}
	return found == 1
}

// Bearer returns the token in the value of a field Authorization. ok is false if it has
// another scheme or none.
func Bearer(authorization string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.Trim(token, " "), true
}
