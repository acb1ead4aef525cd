package http1

import (
	"bytes"
	"io"
	"strconv"
)

// Request collects one request. The zero value with Limits set is ready. It is
// used by one goroutine at a time.
type Request struct {
	Limits Limits

	state state
	err   *Error
	limit Limits // Limits with the defaults, once begun

	head  []byte // request line and fields, normalised
	line  int    // where in head the present line begins
	colon int    // where in head the name of the present field, or the method, ends
	taken int    // bytes of the head and the trailers, dropped ones too
	seen  int    // bytes of the present line or the target; digits of a chunk's size
	count int    // fields; empty lines before the request line

	info   Head
	whole  bool // info is valid
	has    field
	length int // value of Content-Length
	place  int // where in head the Content-Length of a chunked body belongs

	body  []byte
	left  int // bytes of the body, or of the chunk, to come
	extra int // bytes of extensions and leading zeros

	lines  [32]byte // the Content-Length of a chunked body
	pieces [4][]byte
	given  bool // pieces is set
}

// state is what the next byte belongs to.
type state uint8

const (
	stateStart   state = iota // before a request: empty lines, or the method
	stateStartLF              // an empty line's LF
	stateMethod
	stateTarget
	stateVersion
	stateLineCR // the request line's
	stateLineLF
	stateField // the first byte of a field line, or the empty line
	stateName
	stateValue
	stateFieldLF
	stateHeadLF // the empty line's
	stateBody
	stateChunk // the first digit of a chunk's size; the states of chunk.go follow
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

// field is a set of the fields that may be there once only, or decide together.
type field uint8

const (
	hasHost field = 1 << iota
	hasType
	hasLength
	hasChunked
	hasUpgrade
	hasKeepAlive
	wantsUpgrade
	inTrailer // what comes is a trailer
)

// Write takes bytes up to the end of the request. It returns n < len(p) only if
// the request ended within p, so that p[n:] belongs to the next one, or with an
// *Error, after which every Write fails.
//
// The memory it takes follows the bytes that came, not the length announced.
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

// step takes at least one byte, or fails.
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

// stepBody takes bytes of the body.
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

// Begun reports whether part of a request was taken. Empty lines before it do
// not count.
func (r *Request) Begun() bool { return r.state > stateStartLF }

// Head returns what the head says, or nil while it is not whole and valid. It
// is there, too, when the body is refused.
func (r *Request) Head() *Head {
	if !r.whole {
		return nil
	}
	return &r.info
}

// Done reports whether the request is whole.
func (r *Request) Done() bool { return r.state == stateDone }

// Size is the memory the request holds, bytes.
func (r *Request) Size() int { return cap(r.head) + cap(r.body) }

// Read gives the request to a server, normalised, then io.EOF. It must not be
// called before Done. The request line and the fields are as they came, with
// these exceptions: Transfer-Encoding, Trailer and Expect are left out, an empty
// Host is "localhost", and a chunked body has a Content-Length. The body is
// decoded; trailers are left out, as RFC 9110, 6.5.1 allows.
func (r *Request) Read(p []byte) (n int, err error) {
	if !r.given {
		r.given = true
		r.pieces = [4][]byte{r.head, nil, nil, r.body}
		if r.has&hasChunked != 0 {
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

// Cut makes the request one without a body, and whole, so that a server can say why
// the body is refused. The head must be there.
func (r *Request) Cut() {
	for at := 0; r.has&hasChunked == 0 && at < len(r.head); {
		end := at + bytes.IndexByte(r.head[at:], '\n') + 1
		if name, _, ok := bytes.Cut(r.head[at:end], []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			r.head = append(r.head[:at], r.head[end:]...)
			break
		}
		at = end
	}
	r.body, r.err, r.state = nil, nil, stateDone
	r.info.Length = 0
}

// Reset makes r ready for the next request and lets go of its memory.
func (r *Request) Reset() { *r = Request{Limits: r.Limits} }
