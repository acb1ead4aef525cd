// Package http1 reads HTTP/1 requests from the bytes of a connection, and is
// strict about it.
//
// A Request collects the bytes of one request, however they are split, and
// refuses the first byte that RFC 9110 and RFC 9112 do not allow. It also
// refuses what they allow, but two servers in a row could understand
// differently: that is how requests are smuggled (RFC 9112, 11.2).
//
//	var r http1.Request
//	n, err := r.Write(bytes)   // bytes[n:] belong to the next request
//	if r.Done() {
//		io.Copy(server, &r)    // the request, normalised
//		r.Reset()
//	}
//
// The server that reads from a Request sees one form only: no chunks, no
// trailers, no Expect, at most one Content-Length, which is right.
package http1

// Limits of a request. The zero value of a field means its default.
type Limits struct {
	Head   int // request line and fields together, trailers too, bytes; 16 KiB
	Target int // what stands between method and version, bytes; 4094
	Field  int // one field line without its CR LF, bytes; 8190
	Fields int // number of fields, trailers too; 100
	Body   int // bytes, of a chunked body after decoding; 1 MiB
}

// maxExtra bounds what a client may add to the chunk lines of one request:
// extensions and leading zeros, bytes.
const maxExtra = 8 << 10

// maxEmpty is how many empty lines may precede a request line. Some old clients
// send one after a body (RFC 9112, 2.2).
const maxEmpty = 2

// filled returns the limits with the defaults in place of zeros.
func (l Limits) filled() Limits {
	or := func(n *int, byDefault int) {
		if *n == 0 {
			*n = byDefault
		}
	}
	or(&l.Head, 16<<10)
	or(&l.Target, 4094)
	or(&l.Field, 8190)
	or(&l.Fields, 100)
	or(&l.Body, 1<<20)
	return l
}

// Head is what the request line and the fields of a request say.
type Head struct {
	Method, Target string
	Minor          int  // HTTP/1.Minor: 0 or 1
	Length         int  // of the body as announced, bytes; -1 if it is chunked, 0 if there is none
	Expect         bool // the client waits for 100 Continue before it sends the body
	Close          bool // the client wants no other request on the connection, or is HTTP/1.0 without keep-alive
	Upgrade        bool // CONNECT, or an Upgrade the client asks for: if it is granted, what follows the request is not HTTP/1
}
