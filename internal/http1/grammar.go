package http1

import (
	"bytes"
	"fmt"
	"net/netip"
)

// The classes of bytes, by what a byte may be part of. A byte can have several.
const (
	token  = 1 << iota // a token (RFC 9110, 5.6.2)
	target             // a request target: visible ASCII without #, which begins a fragment
	value              // a field's value, including blanks (RFC 9110, 5.5)
	name               // a host's name, without percent-encoding (RFC 3986, 3.2.2)
	quoted             // a quoted string, without " and \ (RFC 9110, 5.6.4)
)

// classes has the set of classes of each byte.
var classes = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		visible := c > ' ' && c < 0x7f
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		set := func(class uint8, yes bool) {
			if yes {
				t[i] |= class
			}
		}
		set(token, alnum || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0)
		set(target, visible && c != '#')
		set(value, visible || c == ' ' || c == '\t' || c >= 0x80)
		set(name, alnum || bytes.IndexByte([]byte("-._~!$&'()*+,;="), c) >= 0)
		set(quoted, (visible || c == ' ' || c == '\t' || c >= 0x80) && c != '"' && c != '\\')
	}
	return t
}()

// is reports whether a byte is of a class.
func is(c byte, class uint8) bool { return classes[c]&class != 0 }

// span returns how many bytes at the beginning of p are of a class, at most limit.
func span(p []byte, class uint8, limit int) int {
	p = p[:min(len(p), limit)]
	for i, c := range p {
		if classes[c]&class == 0 {
			return i
		}
	}
	return len(p)
}

// named reports whether b is the word, in upper or lower case. word must be in lower case.
func named(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// checkTarget returns an error if the target does not have a form that RFC 9112, 3.2
// allows with the method.
func checkTarget(method string, t []byte) *Error {
	if method == "CONNECT" {
		if host, port, ok := splitHost(t); !ok || len(host) == 0 || len(port) == 0 {
			return malformed("the target of CONNECT is not of the form host:port")
		}
		return nil
	}
	if string(t) == "*" && method == "OPTIONS" {
		return nil
	}
	path, _, _ := bytes.Cut(t, []byte("?"))
	if i := badPercent(path); i >= 0 {
		return malformed(fmt.Sprintf("%.3q in the path, want %% and two hexadecimal digits", path[i:]))
	}
	if t[0] == '/' {
		return nil
	}
	scheme, rest, ok := bytes.Cut(t, []byte("://"))
	if !ok || !named(scheme, "http") && !named(scheme, "https") {
		return malformed("the request target is neither a path nor a whole address")
	}
	if end := bytes.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	if host, _, ok := splitHost(rest); !ok || len(host) == 0 {
		return malformed("the request target has no valid host")
	}
	return nil
}

// badPercent returns the index of the first percent sign in b without two hexadecimal
// digits after it, or -1. Callers do not check the query: there such a sign does no harm,
// and many clients send it.
func badPercent(b []byte) int {
	for i, c := range b {
		if c == '%' && (i+2 >= len(b) || hex(b[i+1]) < 0 || hex(b[i+2]) < 0) {
			return i
		}
	}
	return -1
}

// validHost reports whether b may be the value of a Host field. It may be empty: a client
// sends that if its URI has no host (RFC 9110, 7.2).
func validHost(b []byte) bool {
	_, _, ok := splitHost(b)
	return ok
}

// splitHost splits an authority (RFC 3986, 3.2) into host and port. ok is false if b is not
// valid, or has a user before the host (RFC 9110, 4.2.4). It is also false for a host with
// percent-encoding. The RFC allows that, but no name in DNS has it, and servers do not
// agree on what it means.
func splitHost(b []byte) (host, port []byte, ok bool) {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return nil, nil, false
		}
		a, err := netip.ParseAddr(string(b[1:end]))
		if err != nil || !a.Is6() || a.Zone() != "" {
			return nil, nil, false
		}
		host, b = b[:end+1], b[end+1:]
	} else {
		n := bytes.IndexByte(b, ':')
		if n < 0 {
			n = len(b)
		}
		host, b = b[:n], b[n:]
		for _, c := range host {
			if !is(c, name) {
				return nil, nil, false
			}
		}
	}
	if len(b) == 0 {
		return host, nil, true
	}
	if b[0] != ':' {
		return nil, nil, false
	}
	port = b[1:]
	for _, c := range port {
		if c < '0' || c > '9' {
			return nil, nil, false
		}
	}
	return host, port, true
}

// hex returns the value of a hexadecimal digit, or -1.
func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
