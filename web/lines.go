package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/requestid"
	"github.com/narwhal-server/narwhal/internal/textjson"
)

// Many texts in one request of any length: the body is lines of JSON, a text in each, and
// so is the answer, a result in each. The worker reads, computes and answers line by line,
// so it holds only some lines at a time. The answer begins before the body has ended, and a
// client has to read while it sends.

const typeLines = "application/x-ndjson"

// isLines reports whether a media type is a type of JSON lines.
func isLines(mediaType string) bool {
	return mediaType == typeLines || mediaType == "application/jsonl"
}

// streams says for the gate which requests have a body of lines.
func (s *server) streams(h *http1.Head, field func(string) string) bool {
	route := findTarget(h.Target)
	return route != nil && route.lines && h.Method == "POST" && isLines(mediaTypeOf(field("Content-Type")))
}

const (
	linesRead  = 32 << 10 // bytes that are read at once
	linesWrite = 32 << 10 // bytes of results after which they are sent
)

// lines is the state of a request whose body is lines.
type lines struct {
	s    *server
	r    *request
	q    *query
	conn *gate.Conn

	in     []byte // what was read, from at on not used
	at     int
	held   int  // bytes of in that the gate counts
	lost   bool // the present line is too long: what comes of it is dropped
	ended  bool // the body has ended
	placed bool // the request has a place

	out   []byte // results that were not sent
	begun bool   // the head of the answer was sent
	sent  int    // bytes that were sent
}

// v1Lines answers a request of /v1/entities whose body is lines.
func (s *server) v1Lines(r *request) error {
	q, f := s.linesQuery(r.QueryArgs())
	if f != nil {
		return f
	}
	if len(r.Request.Header.PeekAll(fasthttp.HeaderContentEncoding)) > 0 {
		return &failure{415, "unsupported_media_type", "lines of JSON cannot be compressed (Content-Encoding)", "send them as they are"}
	}
	conn := gate.ConnOf(r.Conn())
	if conn == nil || !conn.Streams() { // there is no body
		r.Response.Header.SetContentType(typeLines)
		return nil
	}
	l := &lines{s: s, r: r, q: q, conn: conn}
	err := l.answer()
	switch {
	case err == nil:
		err = l.end()
	case hasGone(err):
	case !l.begun && len(l.out) == 0: // the answer can still be an error
		return l.reason(err)
	default:
		// A last line says why. Without a last chunk the client also knows that the answer
		// is not whole.
		s.Log.Debug("lines ended early", "err", err, "request_id", requestID(r.RequestCtx))
		l.out = append(q.appendResult(l.out, item{}, result{fault: l.reason(err)}), '\n')
		err = l.flush()
	}
	if err != nil {
		return gate.ErrGone
	}
	r.SetUserValue(bytesSent, l.sent)
	// The answer was sent, so fasthttp must not send another one.
	r.HijackSetNoResponse(true)
	r.Hijack(func(net.Conn) {})
	return nil
}

// hasGone reports whether err means that the client reads no answer any more.
func hasGone(err error) bool {
	return errors.Is(err, gate.ErrGone) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reason says why the body ended early.
func (l *lines) reason(err error) *failure {
	f := l.s.reason(err)
	if errors.Is(err, gate.ErrTimeout) {
		f.message = fmt.Sprintf("no further line arrived within %s", l.s.ReadTimeout)
		f.hint = "end the body after the last line"
	}
	return f
}

// linesQuery reads model, labels and offsets from the query of the target:
// ?model=en_core_web_sm&offsets=utf16&labels=PERSON,ORG. They hold for all lines.
func (s *server) linesQuery(args *fasthttp.Args) (*query, *failure) {
	q := &query{model: s.models[0]}
	for key, value := range args.All() {
		var f *failure
		switch string(key) {
		case "model":
			q.model, f = s.modelNamed(string(value))
		case "labels":
			q.labels = map[string]bool{}
			for label := range strings.SplitSeq(string(value), ",") {
				q.labels[label] = true
			}
		case "offsets":
			q.offsets, f = unitOf(textjson.AppendString(nil, string(value)))
		default:
			f = invalid(fmt.Sprintf("there is no parameter %.64q", key), "of lines of JSON the parameters are model, labels and offsets")
		}
		if f != nil {
			return nil, f
		}
	}
	return q, nil
}

// answer answers all lines. It returns nil at the end of the body.
func (l *lines) answer() error {
	for {
		line, fault, err := l.next()
		if err != nil || line == nil && fault == nil {
			return err
		}
		it := item{fault: fault}
		if fault == nil {
			it = lineItem(line)
		}
		found := result{fault: it.fault}
		if it.fault == nil {
			if found, err = l.compute(it.text); err != nil {
				return err
			}
		}
		l.out = append(l.q.appendResult(l.out, it, found), '\n')
		if len(l.out) >= linesWrite {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
}

const lineHint = `a line is a string or {"id": …, "text": "…"}`

// lineItem reads the item of a line.
func lineItem(line []byte) item {
	if err := textjson.CheckUTF8(line); err != nil {
		return item{fault: &failure{400, "invalid_json", "the line is " + err.Error(), "encode the JSON as UTF-8"}}
	}
	if !json.Valid(line) {
		f := notJSON(json.Unmarshal(line, new(any)))
		return item{fault: &failure{400, f.kind, strings.Replace(f.message, "the body", "the line", 1), lineHint}}
	}
	id, text, fault := textjson.Item(line)
	it := item{id: slices.Clone(id), text: text}
	if fault != nil {
		it.fault = itemFault("the line", fault)
		if fault.Kind != textjson.HalfSurrogate {
			it.fault.hint = lineHint
		}
	}
	return it
}

// compute returns the result of a line's text. Before, it takes a place, or lets others go
// first. A fault of the service costs only this line.
func (l *lines) compute(text string) (result, error) {
	r := l.r.gate
	var err error
	if l.placed {
		err = r.Next(len(text), 0)
	} else {
		l.placed = true
		r.First(len(text))
		err = r.Enter()
	}
	if err != nil {
		return result{}, err
	}
	found, err := l.s.compute(r, l.q.model, text, include{})
	if err != nil && !errors.Is(err, gate.ErrGone) {
		l.s.logFault(l.r, err)
		return result{fault: errInternal}, nil
	}
	return found, err
}

// rest gives the place back before the request waits for its client.
func (l *lines) rest() {
	if l.placed {
		l.placed = false
		l.r.gate.Rest()
	}
}

// next returns the next line that is not blank, or why there is none. At the end of the
// body it returns neither. The line is valid until the next call.
func (l *lines) next() ([]byte, *failure, error) {
	until := time.Time{}
	for searched := 0; ; {
		if i := bytes.IndexByte(l.in[l.at+searched:], '\n'); i >= 0 || l.ended && l.at < len(l.in) {
			end := len(l.in)
			if i >= 0 {
				end = l.at + searched + i
			}
			line := bytes.Trim(l.in[l.at:end], " \t\r")
			l.at = min(end+1, len(l.in))
			searched = 0
			switch {
			case l.lost:
				l.lost = false
				return nil, l.tooLong(), nil
			case len(line) > l.s.LimitBody:
				return nil, l.tooLong(), nil
			case len(line) > 0:
				return line, nil, nil
			}
			continue
		}
		if l.ended {
			if l.lost {
				l.lost = false
				return nil, l.tooLong(), nil
			}
			return nil, nil, nil
		}
		l.in = append(l.in[:0], l.in[l.at:]...)
		l.at = 0
		if l.lost || len(l.in) > l.s.LimitBody {
			l.lost, l.in = true, l.in[:0]
		}
		searched = len(l.in)
		if until.IsZero() {
			until = time.Now().Add(l.s.ReadTimeout)
		}
		if err := l.read(until); err != nil {
			return nil, nil, err
		}
	}
}

func (l *lines) tooLong() *failure {
	return &failure{413, "body_too_large", fmt.Sprintf("the line has more than %d bytes", l.s.LimitBody),
		"send the text in parts, or have the server started with a larger --limit-body"}
}

// read reads more of the body. Before it waits for the client, it sends the results that
// there are, and gives the place back.
func (l *lines) read(until time.Time) error {
	if cap(l.in)-len(l.in) < linesRead {
		l.in = append(make([]byte, 0, max(2*cap(l.in), 2*linesRead)), l.in...)
	}
	if cap(l.in) > 8*linesRead && len(l.in) < linesRead { // a long line was read
		l.in = append(make([]byte, 0, 2*linesRead), l.in...)
	}
	if cap(l.in) != l.held {
		l.r.gate.Hold(cap(l.in) - l.held)
		l.held = cap(l.in)
	}
	p := l.in[len(l.in):cap(l.in)]
	n, err := l.conn.ReadBody(p, time.Now())
	if errors.Is(err, gate.ErrTimeout) {
		if err := l.flush(); err != nil {
			return err
		}
		l.rest()
		n, err = l.conn.ReadBody(p, until)
	}
	l.in = l.in[:len(l.in)+n]
	if errors.Is(err, io.EOF) {
		l.ended = true
		return nil
	}
	return err
}

// flush sends the results that there are, and gives the place back before.
func (l *lines) flush() error {
	if len(l.out) == 0 {
		return nil
	}
	l.rest()
	b := l.out
	if l.chunked() {
		b = append(fmt.Appendf(nil, "%x\r\n", len(b)), b...)
		b = append(b, "\r\n"...)
	}
	err := l.write(b)
	l.out = l.out[:0]
	return err
}

// end sends the rest of the answer.
func (l *lines) end() error {
	if err := l.flush(); err != nil {
		return err
	}
	if l.chunked() {
		return l.write([]byte("0\r\n\r\n"))
	}
	return l.write(nil)
}

// chunked reports whether the answer is chunked. To a client of HTTP/1.0, the end of the
// connection is the end of the answer.
func (l *lines) chunked() bool { return l.r.Request.Header.IsHTTP11() }

// write sends bytes of the answer, after the head if they are the first. An error means
// that the client has gone, or has not taken the answer in time.
func (l *lines) write(b []byte) error {
	if !l.begun {
		l.begun = true
		head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: narwhal\r\nDate: %s\r\nContent-Type: %s\r\n%s: %s\r\nConnection: close\r\n",
			time.Now().UTC().Format(http.TimeFormat), typeLines, requestid.Header, requestID(l.r.RequestCtx))
		if l.chunked() {
			head = append(head, "Transfer-Encoding: chunked\r\n"...)
		}
		b = append(append(head, "\r\n"...), b...)
	}
	_ = l.conn.SetWriteDeadline(time.Time{}) // from each write on, the client has the gate's own time
	n, err := l.conn.Write(b)
	l.sent += n
	if err != nil {
		return gate.ErrGone
	}
	return nil
}
