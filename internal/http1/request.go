package http1

import (
	"bytes"
	"io"
	"strconv"
)

// Request collects one request. The zero value is ready: its Limits are the defaults. Only
// one goroutine may use it at a time.
type Request struct {
	Limits Limits

	// Stream is called when a head is whole that announces a body. If it returns true, the
	// body can be taken as it arrives: see stream.go. It may be nil.
	Stream func(*Request) bool

	state state
	err   *Error // what Write has failed with
	limit Limits // Limits with the defaults, once the request has begun

	head  []byte // request line and fields, normalised
	line  int    // index in head at which the present line begins
	colon int    // index in head at which the present field's name, or the method, ends
	taken int    // bytes of the head and the trailers that were read, including removed ones
	seen  int    // bytes read of the target, the version or the present field line
	count int    // fields and trailers; before the request line: empty lines

	info   Head
	whole  bool  // info is valid
	has    field // fields that were read
	length int   // value of Content-Length; 0: there is none
	place  int   // index in head at which Read inserts the Content-Length of a chunked body

	body  []byte
	left  int // bytes of the body, or of the present chunk, that are still to come
	extra int // bytes of extensions and leading zeros in chunk lines

	lines  [32]byte  // the Content-Length line of a chunked body
	pieces [4][]byte // what Read has still to give
	given  bool      // pieces is set

	streams bool // Stream has returned true
	headEnd int  // then: index in head at which trailers begin
}

// state says what the next byte belongs to.
type state uint8

const (
	stateStart   state = iota // before a request: an empty line, or the method
	stateStartLF              // the LF of an empty line before the request line
	stateMethod
	stateTarget
	stateVersion
	stateLineCR // the CR of the request line
	stateLineLF
	stateField // the first byte of a field line, or of the empty line after the fields
	stateName
	stateValue
	stateFieldLF
	stateHeadLF // the LF of the empty line after the fields
	stateBody
	stateChunk // the first digit of a chunk's size; chunk.go handles this state and the next ones
	stateSize
	stateBlank
	stateExtStart
	stateExtName
	stateExtBlank
	stateExtEqual
	stateExtValue
	stateQuoted
	stateEscaped
	stateUnquoted
	stateChunkLF
	stateData
	stateDataCR
	stateDataLF
	stateDone
)

// field is a set of what was read in the fields: fields that may be there only once, and
// fields that decide together.
type field uint16

const (
	hasHost field = 1 << iota
	hasType
	hasLength
	hasChunked
	hasUpgrade
	hasAuthorization
	hasKeepAlive
	wantsUpgrade
	hasOtherExpect // an Expect with something else than 100-continue
	inTrailer      // the last chunk was read: the next field lines are trailers
)

// Write takes bytes up to the end of the request, and returns how many. n < len(p) without
// an error means that the request ended within p: p[n:] belongs to the next request. The
// error is an *Error. After it every Write fails with the same one.
//
// The memory that Write uses depends on the bytes that have arrived, not on the length that
// the client has announced.
func (r *Request) Write(p []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	for n < len(p) && r.state != stateDone {
		m, e := r.step(p[n:])
		n += m
		if e != nil {
			r.err = e
			return n, e
		}
	}
	return n, nil
}

// step takes some bytes of p and returns how many. 0 without an error means that only the
// state has changed.
func (r *Request) step(p []byte) (int, *Error) {
	switch {
	case r.state <= stateStartLF:
		return r.stepStart(p[0])
	case r.state <= stateHeadLF:
		return r.stepHead(p)
	case r.state == stateBody, r.state == stateData:
		return r.stepBody(p), nil
	}
	return r.stepChunk(p)
}

// stepBody takes bytes of the body and returns how many.
func (r *Request) stepBody(p []byte) int {
	p = p[:min(len(p), r.left)]
	if need := len(r.body) + len(p); need > cap(r.body) {
		most := r.limit.Body
		if r.info.Length > 0 {
			most = r.info.Length
		}
		r.body = append(make([]byte, 0, min(max(need, 2*cap(r.body)), most)), r.body...)
	}
	r.body = append(r.body, p...)
	r.left -= len(p)
	switch {
	case r.left > 0:
	case r.state == stateBody:
		r.state = stateDone
	default:
		r.state = stateDataCR
	}
	return len(p)
}

// Begun reports whether a part of a request was taken. Empty lines before the request do
// not count.
func (r *Request) Begun() bool { return r.state > stateStartLF }

// Head returns what the head says, or nil if the head is not whole or not valid. If only
// the body is refused, it still returns the head.
func (r *Request) Head() *Head {
	if !r.whole {
		return nil
	}
	return &r.info
}

// Done reports whether the request is whole.
func (r *Request) Done() bool { return r.state == stateDone }

// BodySize returns how many bytes of the body have arrived.
func (r *Request) BodySize() int { return len(r.body) }

// HeadSize returns how many bytes of Read's answer are the head. Read may add the field
// Content-Length to them.
func (r *Request) HeadSize() int { return len(r.head) }

// Size returns how many bytes of memory the request holds.
func (r *Request) Size() int { return cap(r.head) + cap(r.body) }

// Read returns the request in its normalised form, for a server, and then io.EOF. It must
// not be called before Done. The request line and the fields are as the client sent them,
// with these exceptions: Transfer-Encoding, Trailer and Expect are left out, an empty Host
// becomes "localhost", and a chunked body gets a Content-Length. The body is decoded.
// Trailers are left out, as RFC 9110, 6.5.1 allows.
func (r *Request) Read(p []byte) (n int, err error) {
	if !r.given {
		r.given = true
		r.pieces = [4][]byte{r.head, nil, nil, r.body}
		switch {
		case r.streams:
			r.pieces = [4][]byte{r.head[:r.headEnd]}
		case r.has&hasChunked != 0:
			b := append(r.lines[:0], "Content-Length: "...)
			b = append(strconv.AppendInt(b, int64(len(r.body)), 10), "\r\n"...)
			r.pieces = [4][]byte{r.head[:r.place], b, r.head[r.place:], r.body}
		}
	}
	for i := range r.pieces {
		m := copy(p[n:], r.pieces[i])
		r.pieces[i] = r.pieces[i][m:]
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Cut turns the request into a whole request without a body, so that a server can answer
// why the body is refused. Head must not be nil.
func (r *Request) Cut() {
	r.dropLength()
	r.body, r.err, r.state = nil, nil, stateDone
	r.info.Length = 0
}

// Reset makes r ready for the next request and frees its memory. Limits and Stream stay.
func (r *Request) Reset() { *r = Request{Limits: r.Limits, Stream: r.Stream} }

// dropLength removes the Content-Length from the head.
func (r *Request) dropLength() {
	for at := 0; r.has&hasChunked == 0 && at < len(r.head); {
		end := at + bytes.IndexByte(r.head[at:], '\n') + 1
		if name, _, ok := bytes.Cut(r.head[at:end], []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			r.head = append(r.head[:at], r.head[end:]...)
			break
		}
		at = end
	}
}
