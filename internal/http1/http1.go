// Package http1 is a strict reader of HTTP/1 requests from the bytes of a connection.
//
// A Request collects the bytes of one request, however they are split. It refuses the
// first byte that RFC 9110 and RFC 9112 do not allow. It also refuses what the RFCs allow
// but two servers in a row could read differently, because requests can be smuggled that
// way (RFC 9112, 11.2).
//
//	var r http1.Request
//	n, err := r.Write(bytes)   // bytes[n:] belong to the next request
//	if r.Done() {
//		io.Copy(server, &r)    // the request, normalised
//		r.Reset()
//	}
//
// The server that reads from a Request sees one form only: no chunks, no trailers, no
// Expect, and at most one Content-Length, which is always correct.
package http1

// Limits of a request. The zero value of a field means its default.
type Limits struct {
	Head   int // bytes of the request line, all fields and all trailers; default 16 KiB
	Line   int // bytes of the request line without its CR LF; default 4094
	Field  int // bytes of one field line without its CR LF; default 8190
	Fields int // number of fields and trailers; default 100
	Body   int // bytes of the body, decoded if it is chunked; default 1 MiB
}

// maxExtra is how many bytes of extensions and leading zeros a request may have in the
// lines of its chunks.
const maxExtra = 8 << 10

// maxEmpty is how many empty lines may come before a request line. Some old clients send
// one after a body (RFC 9112, 2.2).
const maxEmpty = 2

// filled returns the limits with the defaults in place of zeros.
func (l Limits) filled() Limits {
	or := func(n *int, byDefault int) {
		if *n == 0 {
			*n = byDefault
		}
	}
	or(&l.Head, 16<<10)
	or(&l.Line, 4094)
	or(&l.Field, 8190)
	or(&l.Fields, 100)
	or(&l.Body, 1<<20)
	l.Line = min(l.Line, l.Head)
	return l
}

// Head is what the request line and the fields of a request say.
type Head struct {
	Method, Target string
	Minor          int    // HTTP/1.Minor: 0 or 1
	Length         int    // bytes of the body as announced; -1: it is chunked; 0: there is none
	Expect         bool   // the client waits for 100 Continue before it sends the body
	Close          bool   // no other request follows: Connection: close, or HTTP/1.0 without keep-alive
	Authorization  string // the value of that field; "" if there is none
	Upgrade        bool   // CONNECT, or the client asks for an Upgrade: if granted, no HTTP/1 follows
}
