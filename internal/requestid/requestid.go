// Package requestid has the id of a request. With it an answer can be found in the logs. A
// client or a proxy may send an id. The answer carries the same id, or a new one.
package requestid

import "crypto/rand"

// Header is the header field that carries the id, in requests and in answers.
const Header = "X-Request-Id"

// Take returns the id that a client has sent. If that is not a valid id, Take returns a new
// one. A valid id has 1 to 128 visible ASCII characters, so it can be written to a log or a
// header field without escapes.
func Take(sent string) string {
	for i := range len(sent) {
		if sent[i] <= ' ' || sent[i] > '~' {
			return rand.Text()
		}
	}
	if len(sent) == 0 || len(sent) > 128 {
		return rand.Text()
	}
	return sent
}
