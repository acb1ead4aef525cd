// Package requestid is the id by which the answer to a request is found in the
// logs. Clients and proxies send it, and get it back with the answer.
package requestid

import "crypto/rand"

// Header is the field that has the id, in requests and in answers.
const Header = "X-Request-Id"

// Take returns the id that a client has sent, or a new one if that is none. An id
// has 1 to 128 visible characters of ASCII, so that it can be written into a log
// and a header field as it is.
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
