package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1"
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

// lines is the state of a request whose body is lines.
type lines struct {
	s    *server
	r    *request
	q    *query
	conn *gate.Conn

	placed bool // the request has a place
	held   int  // bytes that the gate counts, see hold

	// The body: lines_in.go.
	body   io.Reader // the lines as they are, not compressed
	zipped bool      // they arrive compressed
	until  time.Time // by then more must have arrived
	broke  error     // why the connection brings no more
	in     []byte    // what was read, from at on not used
	at     int
	lost   bool // the present line is too long: what comes of it is dropped
	ended  bool // the body has ended

	// The answer: lines_out.go.
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
	zipped, f := r.linesZipped()
	if f != nil {
		return f
	}
	conn := gate.ConnOf(r.Conn())
	if conn == nil || !conn.Streams() { // there is no body
		r.Response.Header.SetContentType(typeLines)
		return nil
	}
	l := &lines{s: s, r: r, q: q, conn: conn, zipped: zipped}
	l.body = arriving{l}
	if zipped {
		l.body = newUnzip(l.body)
	}
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
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	f = l.s.reason(err)
	if errors.Is(err, gate.ErrTimeout) {
		f.message = fmt.Sprintf("no further line arrived within %s", l.s.ReadTimeout)
		f.hint = "end the body after the last line"
	}
	return f
}

// linesQuery reads model, labels, include and offsets from the query of the target:
// ?model=en_core_web_sm&offsets=utf16&labels=PERSON,ORG&include=sents,tokens. They hold for
// all lines.
func (s *server) linesQuery(args *fasthttp.Args) (*query, *failure) {
	q := &query{model: s.models[0]}
	var names []string
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
		case "include":
			if names = nil; len(value) > 0 {
				names = strings.Split(string(value), ",")
			}
		case "offsets":
			q.offsets, f = unitOf(textjson.AppendString(nil, string(value)))
		default:
			f = invalid(fmt.Sprintf("there is no parameter %.64q", key), "of lines of JSON the parameters are model, labels, include and offsets")
		}
		if f != nil {
			return nil, f
		}
	}
	var f *failure
	q.include, f = q.model.including(names, hintIncludeLines)
	return q, f
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
		// A line with a fault has its turn, too. A small body of gzip can have very many.
		if err := l.turn(len(it.text)); err != nil {
			return err
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
	if !textjson.Valid(line) {
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

// turn waits for a place to compute size bytes of text, or lets others go first if the
// request has a place.
func (l *lines) turn(size int) error {
	if l.placed {
		return l.r.gate.Next(size, 0)
	}
	l.placed = true
	l.r.gate.First(size)
	return l.r.gate.Enter()
}

// compute returns the result of a line's text. A fault of the service costs only this line.
func (l *lines) compute(text string) (result, error) {
	found, err := l.s.compute(l.r.gate, l.q.model, text, l.q.include)
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

// hold makes the gate count what the request has in memory for lines and results.
func (l *lines) hold() {
	size := cap(l.in) + cap(l.out)
	if l.zipped {
		size += unzipMemory
	}
	if size != l.held {
		l.r.gate.Hold(size - l.held)
		l.held = size
	}
}
