package web

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/ner"
)

// failure is an answer that reports an error. Its body is an errorbody.Body. The message
// says what came and what is wanted. The hint says one thing to do. CURL in the hint is
// replaced by a command line that works.
type failure struct {
	status  int
	kind    string
	message string
	hint    string
}

func (f *failure) Error() string { return f.message }

// write makes the failure the response and returns its status.
func (f *failure) write(r *request) int {
	if why, ok := f.rejects(); ok {
		r.counts.Rejected(why)
	}
	r.Response.ResetBody()
	r.json(errorbody.Body{
		Message:   strings.ToValidUTF8(f.message, "\ufffd"),
		Type:      f.kind,
		Hint:      strings.Replace(f.hint, "CURL", r.curl(), 1),
		RequestID: requestID(r.RequestCtx),
	}.Append(nil))
	r.SetStatusCode(f.status)
	switch f.status {
	case fasthttp.StatusUnauthorized:
		f.challenge(&r.Response.Header)
	case fasthttp.StatusServiceUnavailable:
		r.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
	case fasthttp.StatusMethodNotAllowed:
		if r.route != nil {
			r.Response.Header.Set(fasthttp.HeaderAllow, r.route.allow())
		}
	}
	if f.unframed() {
		r.SetConnectionClose()
	}
	return f.status
}

// unframed reports whether the request is so wrong that nobody can know where the next
// request on the connection begins. Then the connection is closed.
func (f *failure) unframed() bool {
	switch f.kind {
	case "bad_request", "uri_too_long", "header_too_large", "not_implemented", "version_not_supported", "expectation_failed":
		return true
	}
	return false
}

// rejects returns why a request with this failure was refused without being computed. ok is
// false if the failure is another one.
func (f *failure) rejects() (why metrics.Reason, ok bool) {
	switch {
	case f.kind == "unauthorized":
		return metrics.Unauthorized, true
	case f == errOver:
		return metrics.LimitConcurrency, true
	case f == errLate:
		return metrics.QueueTimeout, true
	case f.kind == "overloaded":
		return metrics.LimitBuffers, true
	case f.kind == "request_timeout":
		return metrics.SlowClient, true
	case f.unframed():
		return metrics.Malformed, true
	}
	return 0, false
}

const hintBody = "try: CURL"

// curl returns a command line that gets entities from the address and the route that the
// client has used.
func (r *request) curl() string {
	scheme := "http://"
	if c := gate.ConnOf(r.Conn()); c != nil && c.Secure() {
		scheme = "https://"
	}
	where := scheme + "localhost"
	if a, ok := r.LocalAddr().(*net.UnixAddr); ok {
		where = "--unix-socket " + a.Name + " " + where
	} else if host := string(r.Request.Header.Host()); plainHost(host) {
		where = scheme + host
	} else {
		where = scheme + r.LocalAddr().String()
	}
	path, example := "/", `{"text":"Angela Merkel was born in Hamburg."}`
	if r.route != nil && slices.Contains(r.route.methods, "POST") {
		path = r.route.path
		if r.route.example != "" {
			example = r.route.example
		}
		if actual := string(r.Path()); strings.Contains(path, "{") && plain(actual, "/._-") {
			path = actual
		}
	}
	return `curl ` + where + path + ` -H 'Content-Type: application/json' -d '` + example + `'`
}

// plainHost reports whether a Host field can be pasted into a shell as it is.
func plainHost(host string) bool { return host != "" && plain(host, ".:-") }

// plain reports whether s has letters and digits of ASCII only, and marks.
func plain(s, marks string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(marks, c) {
			return false
		}
	}
	return true
}

var (
	errEmpty    = &failure{400, "invalid_json", "the body is empty, want JSON", hintBody}
	errLeaving  = &failure{503, "not_ready", "the service is about to stop", "send requests to another one"}
	errLate     = &failure{503, "overloaded", "the request has waited for its turn for longer than --timeout, and was not computed", "try again in a second"}
	errOver     = &failure{503, "overloaded", "the worker has as many texts to compute as --limit-concurrency allows", "try again in a second"}
	errNoProxy  = &failure{501, "not_implemented", "CONNECT is for proxies, and this is none", "send the request itself to this address"}
	errInternal = &failure{500, "internal", "the service failed on this request", "report the request_id to who runs the service; its log has the reason"}
)

func notFound(path string) *failure {
	f := &failure{404, "not_found", fmt.Sprintf("there is no %.100q", path), "entities are at /: CURL"}
	if path == "/metrics" { // a route only with --metrics on
		f.hint = "the numbers of the service are at /metrics of --admin-bind, and here with --metrics on"
	}
	return f
}

func wrongMethod(method string, r *route) *failure {
	f := &failure{405, "method_not_allowed", fmt.Sprintf("%s does not take %s, want %s", r.path, method, strings.Join(r.methods, " or ")), hintBody}
	if r.path != "/" {
		f.hint = "use " + r.methods[0]
	}
	return f
}

func unknownMethod(method string) *failure {
	return &failure{501, "not_implemented", fmt.Sprintf("HTTP has no method %.32q, want GET or POST", method), "methods are written in capitals"}
}

func tookTooLong(size int, limit time.Duration) *failure {
	return &failure{504, "timeout", fmt.Sprintf("no entities of %d bytes of text within %s", size, limit),
		"send a shorter text, or have the server started with a longer --timeout"}
}

func textTooLong(err *ner.TooLongError) *failure {
	return &failure{422, "invalid_request", fmt.Sprintf("`text` has %d code points, want at most %d", err.Length, err.Limit), "send the text in parts"}
}

// unreadable answers a request that could not be read. The connection is closed after
// the answer. A client that has reset the connection gets no answer.
func (s *server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	identify(ctx)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		hangUp(ctx)
		s.unread(ctx, statusGone)
		return
	}
	linger(ctx)
	s.unread(ctx, s.reason(err).write(&request{RequestCtx: ctx, counts: s.counts}))
}

// unread counts and logs a request that could not be read.
func (s *server) unread(ctx *fasthttp.RequestCtx, status int) {
	method := ""
	if len(ctx.Request.Header.RawHeaders()) > 0 {
		method = string(ctx.Method())
	}
	s.counts.Unread(0, method, status)
	s.access.write(ctx, status, time.Time{}, timing{})
}

// refused returns why the body of a request was not read, or nil if it was read.
func (s *server) refused(ctx *fasthttp.RequestCtx) *failure {
	c := gate.ConnOf(ctx.Conn())
	if c == nil || c.Refused() == nil {
		return nil
	}
	ctx.SetConnectionClose()
	return s.reason(c.Refused())
}

// reason returns the answer to a request that could not be read because of err.
func (s *server) reason(err error) *failure {
	var refused *http1.Error
	switch {
	case errors.As(err, &refused):
		return &failure{refused.Status, refused.Type, refused.Message, refused.Hint}
	case errors.Is(err, gate.ErrTimeout):
		return &failure{408, "request_timeout", fmt.Sprintf("the request did not arrive within %s", s.ReadTimeout),
			"send all of it at once; Content-Length must be the number of bytes in the body"}
	case errors.Is(err, gate.ErrMemory):
		return &failure{503, "overloaded", "the worker has as many bytes of requests and answers as --limit-buffers allows", "try again in a second"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &failure{400, "bad_request", "the connection ends in the middle of the request", "Content-Length must be the number of bytes in the body"}
	}
	// http1 has accepted the request, but fasthttp does not.
	return &failure{400, "bad_request", "malformed HTTP: " + strings.ReplaceAll(err.Error(), "fasthttp: ", ""), "use an HTTP library, or see RFC 9112"}
}
