// Package requestid has the id of a request, and its W3C trace context. With it an answer can be found in the logs. A
// client or a proxy may send an id. The answer carries the same id, or a new one.
package requestid

import "crypto/rand"

// Header is the header field that carries the id, in requests and in answers.
const Header = "X-Request-Id"

// Traceparent is the header field of a W3C trace context.
const Traceparent = "Traceparent"

// ValidTraceparent reports whether a client has sent a valid trace context: the version, the
// id of the trace, the id of the span, and the flags, in small hexadecimal digits. A later
// version than 00 may have more after a dash (W3C Trace Context, 3.2).
func ValidTraceparent(sent []byte) bool {
	const form = "00-00000000000000000000000000000000-0000000000000000-00"
	if len(sent) < len(form) || len(sent) > 128 {
		return false
	}
	zero := true // all digits since the last dash are 0
	for i, c := range sent {
		switch {
		case i >= len(form):
			if sent[len(form)] != '-' || c <= ' ' || c > '~' {
				return false
			}
			continue
		case form[i] == '-':
			if c != '-' || zero && i > 2 { // an id of zeros is invalid, a version is not
				return false
			}
			zero = true
			continue
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
		zero = zero && c == '0'
	}
	version := string(sent[:2])
	return version != "ff" && (version != "00" || len(sent) == len(form))
}

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
