package bench

import (
	"bytes"
	"fmt"
	"io"
)

// answer is what a server said to one request.
type answer struct {
	status int
	body   []byte // valid until the next read
	close  bool   // the server will not answer another request on this connection
}

// malformed is an answer that breaks RFC 9112, or one of the limits here.
type malformed string

func (m malformed) Error() string { return "malformed answer: " + string(m) }

const (
	maxHead = 64 << 10
	maxBody = 64 << 20
)

// reader reads the answers of one connection. It is strict: what another client
// might take for an answer by being lenient is an error here, because a server
// under test must not rely on lenience.
type reader struct {
	src io.Reader
	buf []byte // read and not yet used, from the start of an answer
	n   int    // how much of buf is filled
}

// began tells whether any byte of the answer has come.
func (r *reader) began() bool { return r.n > 0 }

// fill reads more, and gives io.EOF or another error only if nothing came.
func (r *reader) fill() error {
	if r.n == len(r.buf) {
		r.buf = append(r.buf, make([]byte, max(len(r.buf), 1024))...)
	}
	for {
		n, err := r.src.Read(r.buf[r.n:])
		r.n += n
		if n > 0 || err != nil {
			if n > 0 {
				err = nil
			}
			return err
		}
	}
}

// next gives the next answer, after any interim ones (100, 103).
func (r *reader) next() (answer, error) {
	r.n = 0
	for start := 0; ; {
		end, err := r.head(start)
		if err != nil {
			return answer{}, err
		}
		h, err := parseHead(r.buf[start:end])
		if err != nil {
			return answer{}, err
		}
		if h.status >= 200 {
			return r.body(h, end)
		}
		if h.status == 101 {
			return answer{}, malformed("switches to a protocol nobody asked for")
		}
		start = end
	}
}

// head finds the end of the head that begins at start.
func (r *reader) head(start int) (end int, err error) {
	seen := start
	for {
		if i := bytes.Index(r.buf[seen:r.n], []byte("\r\n\r\n")); i >= 0 {
			return seen + i + 4, nil
		}
		if r.n-start > maxHead {
			return 0, malformed(fmt.Sprintf("no end of the header fields within %d bytes", maxHead))
		}
		seen = max(start, r.n-3) // the end may have come in part
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// body reads what follows the head, which ends at the given place.
func (r *reader) body(h head, start int) (answer, error) {
	a := answer{status: h.status, close: h.close}
	end := start
	var err error
	switch {
	case h.status == 204 || h.status == 304: // have none, whatever the fields say
	case h.chunked:
		a.body, end, err = r.chunks(start)
	case h.length >= 0:
		end = start + h.length
		if err = r.need(end); err == nil {
			a.body = r.buf[start:end]
		}
	default:
		a.close = true
		end, err = r.untilEOF(start)
		a.body = r.buf[start:end]
	}
	if err != nil {
		return answer{}, err
	}
	if r.n > end {
		return answer{}, malformed(fmt.Sprintf("%d bytes too many after it", r.n-end))
	}
	return a, nil
}

// need reads until n bytes are there.
func (r *reader) need(n int) error {
	for r.n < n {
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) untilEOF(start int) (end int, err error) {
	for {
		err := r.fill()
		if err == io.EOF {
			return r.n, nil
		}
		if err != nil {
			return start, err
		}
		if r.n-start > maxBody {
			return start, malformed(fmt.Sprintf("body of more than %d bytes", maxBody))
		}
	}
}

// chunks decodes a chunked body in place: the data moves up over the sizes.
func (r *reader) chunks(start int) (body []byte, end int, err error) {
	to, from := start, start
	for {
		line, err := r.line(&from)
		if err != nil {
			return nil, 0, err
		}
		size, err := chunkSize(line)
		if err != nil {
			return nil, 0, err
		}
		if to-start+size > maxBody {
			return nil, 0, malformed(fmt.Sprintf("body of more than %d bytes", maxBody))
		}
		if size == 0 {
			break
		}
		if err := r.need(from + size + 2); err != nil {
			return nil, 0, err
		}
		to += copy(r.buf[to:], r.buf[from:from+size])
		from += size
		if string(r.buf[from:from+2]) != "\r\n" {
			return nil, 0, malformed("a chunk is longer than its size says")
		}
		from += 2
	}
	for { // trailer fields mean nothing to us
		line, err := r.line(&from)
		if err != nil {
			return nil, 0, err
		}
		if len(line) == 0 {
			return r.buf[start:to], from, nil
		}
	}
}

// line gives the line at *from without its end, and moves *from behind it.
func (r *reader) line(from *int) ([]byte, error) {
	for seen := *from; ; {
		if i := bytes.Index(r.buf[seen:r.n], []byte("\r\n")); i >= 0 {
			l := r.buf[*from : seen+i]
			*from = seen + i + 2
			return l, nil
		}
		if r.n-*from > maxHead {
			return nil, malformed("a line of a chunked body has no end")
		}
		seen = max(*from, r.n-1)
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

func chunkSize(line []byte) (int, error) {
	digits, _, _ := bytes.Cut(line, []byte(";")) // extensions mean nothing to us
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 8 {
		return 0, malformed(fmt.Sprintf("chunk size %q", line))
	}
	n := 0
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, malformed(fmt.Sprintf("chunk size %q", line))
		}
	}
	return n, nil
}
