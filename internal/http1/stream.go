package http1

import (
	"bytes"
	"math"
)

// A request can be handed over before its body is whole. Then Read gives only the head,
// without a Content-Length, and may be called once Streams reports true. Take gives the
// body as it arrives, decoded. Limits.Body does not apply: the body may have any length.
// The caller bounds what has arrived and is not taken, by what it writes.

// stream begins to hand over the body.
func (r *Request) stream() {
	r.streams = true
	r.limit.Body = math.MaxInt
	r.dropLength()
	r.headEnd = len(r.head)
}

// Streams reports whether the head is whole and Stream has returned true for it.
func (r *Request) Streams() bool { return r.streams }

// Take moves bytes of the body to p, and returns how many.
func (r *Request) Take(p []byte) int {
	n := copy(p, r.body)
	r.body = append(r.body[:0], r.body[n:]...)
	r.extra = 0
	return n
}

// Untaken returns how many bytes of the body have arrived and were not taken.
func (r *Request) Untaken() int { return len(r.body) }

// Field returns the value of the first field with this name in the head, or "". The head
// must be whole.
func (r *Request) Field(name string) string {
	_, fields, _ := bytes.Cut(r.head, []byte("\n"))
	for line := range bytes.Lines(fields) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(key, []byte(name)) {
			return string(bytes.Trim(value, " \t\r\n"))
		}
	}
	return ""
}
