// Package web is the service of a worker: HTTP in front of a ner.Recognizer.
//
//	GET  /              {"text": "…"} → {"Angela Merkel":"PERSON","Hamburg":"GPE"}
//	POST /              the same
//	GET  /healthz       the worker answers
//	GET  /readyz        the worker answers, and which model it has
//	GET  /openapi.json  this, described for programs
//
// New makes a fasthttp.Server of it, to be used with Serve on a listener of
// the gate:
//
//	g := gate.New(gate.Options{Places: 1, Connections: 1000})
//	server := web.New(web.Options{Recognizer: r, Gate: g, Log: log})
//	err := server.Serve(listener)
//
// A request is read whole, then registered with the gate, and it waits for its
// turn there before it computes. Leaving is the gate's work too (gate.Drain),
// never fasthttp's Shutdown, which loses requests.
package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/ner"
)

// Options of a service. Recognizer and Gate must be set.
type Options struct {
	Recognizer ner.Recognizer
	Gate       *gate.Gate
	Model      string // the name of the model, for /readyz

	Delay       time.Duration // waited before the model; 0: none
	Timeout     time.Duration // of one computation; a request is answered 504 at 9/10 of it. 0: none
	ReadTimeout time.Duration // for a request to arrive whole, and an answer to be taken; 0: 30s
	KeepAlive   time.Duration // an idle connection is kept so long; 0: closed after every answer
	LimitBody   int           // bytes; 0: 1 MiB

	Log             *slog.Logger // nil: slog.Default()
	AccessLog       io.Writer    // one Write for each request; nil: none
	AccessLogFormat string       // "text" (also ""), as Gunicorn and Apache write it, or "json"
}

// routes is every path there is.
var routes = []route{
	{path: "/", methods: []string{"GET", "HEAD", "POST"}, handle: (*server).entities},
	{path: "/healthz", methods: []string{"GET", "HEAD"}, handle: (*server).healthz, exempt: true},
	{path: "/readyz", methods: []string{"GET", "HEAD"}, handle: (*server).readyz, exempt: true},
	{path: "/openapi.json", methods: []string{"GET", "HEAD"}, handle: (*server).openapi},
}

type route struct {
	path    string
	methods []string
	exempt  bool // from the limit on requests
	handle  func(*server, *request) error
}

type server struct {
	Options
	access *accessLog
}

// request is one request in the hands of a route.
type request struct {
	*fasthttp.RequestCtx
	gate *gate.Request
}

// New makes the server.
func New(o Options) *fasthttp.Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 30 * time.Second
	}
	if o.LimitBody == 0 {
		o.LimitBody = 1 << 20
	}
	s := &server{Options: o}
	if o.AccessLog != nil {
		s.access = &accessLog{w: o.AccessLog, json: o.AccessLogFormat == "json"}
	}
	return &fasthttp.Server{
		Handler:       s.handle,
		ErrorHandler:  s.unreadable,
		ExpectHandler: s.expect,
		Name:          "narwhal",
		Logger:        logger{o.Log},

		// Nothing of a request may get into a log.
		SecureErrorLogMessage: true,

		// The gate limits connections, by not accepting them; fasthttp would
		// accept and refuse them.
		Concurrency: 1 << 20,

		ReadBufferSize:     limitHead,
		MaxRequestBodySize: o.LimitBody,
		ReadTimeout:        o.ReadTimeout,
		WriteTimeout:       o.ReadTimeout,
		IdleTimeout:        idleTimeout(o.KeepAlive),
		DisableKeepalive:   o.KeepAlive == 0,

		// A connection without a request has no buffers, and one that never
		// sends anything is closed without an answer. The price is one system
		// call for each request, 5 to 15 % of the time of an empty one.
		ReduceMemoryUsage: true,

		ConnState: tellIdle,

		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
	}
}

// statusGone is what the access log says of a client that did not wait for its
// answer, as nginx does.
const statusGone = 499

// handle answers a request that was read whole.
func (s *server) handle(ctx *fasthttp.RequestCtx) {
	identify(ctx)
	route := routeOf(ctx)
	r := &request{RequestCtx: ctx, gate: s.Gate.Begin(ctx.Conn(), gate.Info{
		Method: string(ctx.Method()),
		Path:   string(ctx.Path()),
		Size:   len(ctx.Request.Body()),
		Exempt: route != nil && route.exempt,
	})}
	status := fasthttp.StatusInternalServerError
	defer func() {
		if v := recover(); v != nil {
			s.Log.Error("panic in a request", "panic", v, "request_id", requestID(ctx), "stack", string(debug.Stack()))
			status = errInternal.write(ctx)
		}
		if s.KeepAlive > 0 && r.gate.Closes() {
			ctx.SetConnectionClose()
		}
		s.sayKeepAlive(ctx)
		r.gate.End(status)
		s.access.write(ctx, status, ctx.Time())
	}()
	status = s.answer(r)
}

// answer has the route write the response, or writes the error, and returns
// the status.
func (s *server) answer(r *request) int {
	failure := admit(r.RequestCtx)
	if failure != nil {
		return failure.write(r.RequestCtx)
	}
	if r.gate.Over() {
		return errOver.write(r.RequestCtx)
	}
	if r.IsOptions() {
		if failure := options(r.RequestCtx); failure != nil {
			return failure.write(r.RequestCtx)
		}
		return r.Response.StatusCode()
	}
	err := routeOf(r.RequestCtx).handle(s, r)
	switch {
	case err == nil:
		return r.Response.StatusCode()
	case errors.As(err, &failure):
		return failure.write(r.RequestCtx)
	case errors.Is(err, gate.ErrGone):
		s.Log.Debug("the client has gone, its request was dropped", "request_id", requestID(r.RequestCtx))
		hangUp(r.RequestCtx)
		return statusGone
	}
	s.Log.Error("a request failed", "err", err, "request_id", requestID(r.RequestCtx))
	return errInternal.write(r.RequestCtx)
}

// routeOf returns the route of a request, nil if there is none.
func routeOf(ctx *fasthttp.RequestCtx) *route {
	for i := range routes {
		if routes[i].path == string(ctx.Path()) {
			return &routes[i]
		}
	}
	return nil
}

// admit says why a request without a route that takes it is refused. It needs
// only the head of the request, not its body.
func admit(ctx *fasthttp.RequestCtx) *failure {
	if f := checkHead(&ctx.Request.Header); f != nil {
		return f
	}
	method := string(ctx.Method())
	route := routeOf(ctx)
	switch {
	case !known(method):
		return unknownMethod(method)
	case method == http.MethodOptions && (route != nil || isServer(ctx)):
		return nil
	case route == nil:
		return notFound(string(ctx.Path()))
	case !slices.Contains(route.methods, method):
		return wrongMethod(method, route)
	}
	return nil
}

// known reports whether HTTP has such a method.
func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// expect is asked before the body when the client waits for permission to send
// it, as curl does with large ones.
func (s *server) expect(ctx *fasthttp.RequestCtx) int {
	f := admit(ctx)
	if f == nil && ctx.Request.Header.ContentLength() > s.LimitBody {
		f = s.tooLarge()
	}
	if f == nil {
		return fasthttp.StatusContinue
	}
	identify(ctx)
	linger(ctx)
	status := f.write(ctx)
	s.access.write(ctx, status, time.Time{})
	return status
}

// tellIdle tells the gate where requests begin and end. Between these two
// fasthttp reads only if its buffer is empty.
func tellIdle(c net.Conn, state fasthttp.ConnState) {
	conn, ok := c.(*gate.Conn)
	if !ok {
		return
	}
	switch state {
	case fasthttp.StateIdle:
		conn.Idle()
	case fasthttp.StateActive:
		conn.Active()
	}
}

// hangUp closes the connection without an answer.
func hangUp(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.Conn().Close() // what fasthttp writes from now on goes nowhere
}

// linger keeps the close that follows the answer from destroying it, when the
// client may still be sending.
func linger(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*gate.Conn); ok {
		c.Linger()
	}
}

// logger takes what fasthttp itself has to say.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "error when serving connection") {
		return // ErrorHandler has answered it, or nobody is there any more
	}
	l.log.Warn("fasthttp: " + fmt.Sprintf(format, args...))
}
