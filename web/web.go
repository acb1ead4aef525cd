// Package web is the service of a worker: HTTP in front of a ner.Recognizer.
//
//	GET  /              {"text": "…"} → {"Angela Merkel":"PERSON","Hamburg":"GPE"}
//	POST /              the same
//	POST /v1/entities   {"text": "…"} or {"texts": […]} → all entities, with offsets
//	GET  /v1/models     the models: their labels, licences and files
//	GET  /healthz       the worker answers
//	GET  /readyz        the worker answers, and which models it has
//	GET  /metrics       what the service counts, for Prometheus (Options.Metrics)
//	GET  /openapi.json  the service, described for programs
//	GET  /docs          the same for people
//	     /v2/…          the same for clients of the Open Inference Protocol (oip.go)
//	     /health, /setup, /predict, /webhook   for Label Studio (labelstudio.go)
//	     /ent, /models                         as spacy-services (spacyservices.go)
//
// A browser gets a page for people from GET / (package page).
//
// New makes the server, which package worker runs:
//
//	worker.Run(func(env worker.Env) (worker.App, error) {
//		return web.New(web.Options{Recognizer: r}), nil
//	})
//
// The gate (internal/gate) reads each request whole before the server sees it. The
// server registers the request with the gate, and waits there for a place before it
// computes. The gate also drains the worker (gate.Drain). fasthttp's Shutdown is never
// used, because it loses requests.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/web/page"
)

// Options of a service. Recognizer must be set.
type Options struct {
	// Recognizer, ModelID and Describe are the fields of a Model: the default model, which
	// answers every request that names none.
	Recognizer ner.Recognizer
	ModelID    string
	Describe   func() (ModelInfo, error)

	// More are further models, which requests can name. Each must have an ID of its own.
	More []Model

	Model   string // what the models are and where they were found, for /readyz
	Version string // of the program, for /v2

	Delay       time.Duration // a request waits so long before it computes; 0: none
	Timeout     time.Duration // of one computation; a request is answered 504 at 9/10 of it. 0: none
	ReadTimeout time.Duration // for a request to arrive whole, and an answer to be taken; 0: 30s
	KeepAlive   time.Duration // an idle connection is kept so long; 0: closed after every answer
	LimitBody   int           // of a request, in bytes; 0: 1 MiB

	// Metrics returns the metrics of the whole service for /metrics: Env.Metrics of package
	// worker. Nil: there is no /metrics.
	Metrics func(ctx context.Context, accept string) (contentType string, text []byte, err error)

	// ForwardedAllowIPs are the proxies that are believed who the client is: addresses,
	// networks, or * for all. If there is one, the other end of a unix socket is believed,
	// too.
	ForwardedAllowIPs []string

	// TLS makes the service speak HTTPS. Nil: it speaks HTTP.
	TLS *tls.Config

	// TokenHashes are the SHA-256 hashes of the bearer tokens of which a request must have
	// one. Health checks need none. Without a hash, no request needs a token.
	TokenHashes [][]byte

	// CORSOrigins are the origins whose pages may call the service from a browser, or * for
	// all: https://example.org. Without one, a browser lets no other page call it.
	CORSOrigins []string

	// With ProxyProtocol "v1", "v2" or "auto" (both), each connection must come from
	// ProxyAllowFrom, in the form of ForwardedAllowIPs, and begin with a header of the
	// PROXY protocol. "" or "off": no connection has one.
	ProxyProtocol  string
	ProxyAllowFrom []string

	Log             *slog.Logger // nil: slog.Default()
	AccessLog       io.Writer    // one Write for each request; nil: none
	AccessLogFormat string       // "json", or a format as Gunicorn has it; "text" or "": Gunicorn's default, milliseconds and id
}

// routes has every path of the service.
var routes = append(fileRoutes(), []route{
	{path: "/", methods: []string{"GET", "HEAD", "POST"}, handle: (*server).entities},
	{path: "/v1/entities", methods: []string{"POST"}, handle: (*server).v1Entities, lines: true},
	{path: "/v1/models", methods: []string{"GET", "HEAD"}, handle: (*server).v1Models},
	{path: "/healthz", methods: []string{"GET", "HEAD"}, handle: (*server).healthz, exempt: true},
	{path: "/readyz", methods: []string{"GET", "HEAD"}, handle: (*server).readyz, exempt: true},
	{path: "/metrics", methods: []string{"GET", "HEAD"}, handle: (*server).metrics, optional: true},
	{path: "/openapi.json", methods: []string{"GET", "HEAD"}, handle: (*server).openapi, public: true},

	// Open Inference Protocol
	{path: "/v2", methods: []string{"GET", "HEAD"}, handle: (*server).oipServer},
	{path: "/v2/", methods: []string{"GET", "HEAD"}, handle: (*server).oipServer},
	{path: "/v2/health/live", methods: []string{"GET", "HEAD"}, handle: (*server).oipLive, exempt: true},
	{path: "/v2/health/ready", methods: []string{"GET", "HEAD"}, handle: (*server).oipReady, exempt: true},
	{path: "/v2/repository/index", methods: []string{"POST"}, handle: (*server).oipIndex},
	{path: "/v2/models/stats", methods: []string{"GET", "HEAD"}, handle: (*server).oipStats},
	{path: "/v2/models/{name}", methods: []string{"GET", "HEAD"}, handle: (*server).oipMetadata},
	{path: "/v2/models/{name}/ready", methods: []string{"GET", "HEAD"}, handle: (*server).oipModelReady, exempt: true},
	{path: "/v2/models/{name}/config", methods: []string{"GET", "HEAD"}, handle: (*server).oipConfig},
	{path: "/v2/models/{name}/stats", methods: []string{"GET", "HEAD"}, handle: (*server).oipStats},
	{path: "/v2/models/{name}/infer", methods: []string{"POST"}, handle: (*server).oipInfer, example: exampleInfer},
	{path: "/v2/models/{name}/versions/{version}", methods: []string{"GET", "HEAD"}, handle: (*server).oipMetadata},
	{path: "/v2/models/{name}/versions/{version}/ready", methods: []string{"GET", "HEAD"}, handle: (*server).oipModelReady, exempt: true},
	{path: "/v2/models/{name}/versions/{version}/config", methods: []string{"GET", "HEAD"}, handle: (*server).oipConfig},
	{path: "/v2/models/{name}/versions/{version}/stats", methods: []string{"GET", "HEAD"}, handle: (*server).oipStats},
	{path: "/v2/models/{name}/versions/{version}/infer", methods: []string{"POST"}, handle: (*server).oipInfer, example: exampleInfer},

	// Label Studio's machine learning backend
	{path: "/health", methods: []string{"GET", "HEAD"}, handle: (*server).labelStudioHealth, exempt: true},
	{path: "/setup", methods: []string{"POST"}, handle: (*server).labelStudioSetup, example: `{"project":"1.1","schema":"<View/>"}`},
	{path: "/predict", methods: []string{"POST"}, handle: (*server).labelStudioPredict, example: examplePredict},
	{path: "/webhook", methods: []string{"POST"}, handle: (*server).labelStudioWebhook, example: `{"action":"ANNOTATION_CREATED"}`},

	// spacy-services
	{path: "/ent", methods: []string{"POST"}, handle: (*server).spacyEnt},
	{path: "/models", methods: []string{"GET", "HEAD"}, handle: (*server).spacyModels},
}...)

const exampleInfer = `{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["Angela Merkel was born in Hamburg."]}]}`

const examplePredict = `{"tasks":[{"data":{"text":"Angela Merkel was born in Hamburg."}}],` +
	`"label_config":"<View><Labels name=\"label\" toName=\"text\"><Label value=\"PERSON\"/></Labels><Text name=\"text\" value=\"$text\"/></View>"}`

// A part of a path in braces stands for any part: see match. request.part returns it.
type route struct {
	path     string
	methods  []string
	exempt   bool   // from the limit on requests
	lines    bool   // the body may be lines of any length, see lines.go
	example  string // a body that it takes, for hints; "": the body that / takes
	browser  bool   // a file for browsers, which the description does not have
	optional bool   // there only with Options.Metrics; the description does not have it
	public   bool   // needs no token
	handle   func(*server, *request) error

	counted metrics.Route // under which its requests are counted
}

func init() {
	for i := range routes {
		if r := &routes[i]; r.browser {
			r.counted = metrics.RouteOf("/docs")
		} else {
			r.counted = metrics.RouteOf(r.path)
		}
	}
}

// Server is the service as an App of package worker.
type Server struct {
	s            *server
	small, large *fasthttp.Server // for requests by the size of their head
}

type server struct {
	Options
	gate   *gate.Gate
	access *accessLog
	models []*model // the default model first
	info   modelsAnswer
	page   func() *page.File // what a browser gets from /
	counts *metrics.Page     // nil: nothing is counted
	labels map[string]metrics.Label

	proxy   *gate.Proxy
	trusted *peers.List // proxies that are believed who the client is
}

// request is one request as a route gets it.
type request struct {
	*fasthttp.RequestCtx
	gate   *gate.Request
	route  *route        // nil if there is none
	counts *metrics.Page // may be nil

	mayCall bool // a page of another origin has sent it, and may
}

// New returns the service with these options. Fields that are zero get their defaults. New
// panics if an option is wrong: More, AccessLogFormat, ForwardedAllowIPs, ProxyProtocol,
// ProxyAllowFrom or CORSOrigins.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 30 * time.Second
	}
	if o.LimitBody == 0 {
		o.LimitBody = 1 << 20
	}
	var trusted *peers.List // nil: nobody is trusted, not even on a unix socket
	if len(o.ForwardedAllowIPs) > 0 {
		var err error
		if trusted, err = peers.Parse(o.ForwardedAllowIPs); err != nil {
			panic("web: ForwardedAllowIPs: " + err.Error())
		}
	}
	for _, origin := range o.CORSOrigins {
		if err := peers.CheckOrigin(origin); err != nil {
			panic("web: CORSOrigins: " + err.Error())
		}
	}
	proxy, err := proxyRules(&o)
	if err != nil {
		panic("web: " + err.Error())
	}
	s := &server{Options: o, proxy: proxy, trusted: trusted, access: newAccessLog(&o, trusted)}
	if s.models, err = newModels(&o); err != nil {
		panic("web: More: " + err.Error())
	}
	s.page = sync.OnceValue(func() *page.File { return page.Index(s.ids(), o.LimitBody) })
	return &Server{s, s.fasthttp(smallHead), s.fasthttp(limits.MaxRequestHead)}
}

// Serve answers requests until the worker leaves. It fails for any listener but the one
// that worker.Run gives to an App. Call it only once.
func (s *Server) Serve(ln net.Listener) error {
	g, ok := ln.(*gate.Gate)
	if !ok {
		return errors.New("web: Serve takes only the listener that worker.Run gives to an App")
	}
	g.Rules(s.s.rules())
	s.s.gate, s.s.counts = g, g.Counts()
	if l, ok := s.s.Recognizer.(interface{ Labels() []string }); ok {
		s.s.labels = s.s.counts.Labels(l.Labels())
	}
	return s.small.Serve(byHead{g, s.large})
}

// rules returns what the gate must know to read requests for the service.
func (s *server) rules() gate.Rules {
	return gate.Rules{
		Limits:   http1.Limits{Body: s.LimitBody},
		Timeout:  s.ReadTimeout,
		Refusals: true,
		Stream:   s.streams,
		Admit: func(h *http1.Head) bool {
			route := findTarget(h.Target)
			return route != nil && slices.Contains(route.methods, h.Method)
		},
		Exempt: func(h *http1.Head) bool {
			route := findTarget(h.Target)
			return route != nil && route.exempt
		},
		Permit: s.permit,
		Proxy:  s.proxy,
		TLS:    s.TLS,
		Turned: func(err error) {
			s.Log.Warn(err.Error(), "hint", "more such connections are not reported for a minute")
		},
	}
}

// statusGone is the status in the access log if the client has not waited for its
// answer. nginx has the same number.
const statusGone = 499

// handle answers a request whose head was read. Its body may have been refused.
func (s *server) handle(ctx *fasthttp.RequestCtx) {
	identify(ctx)
	path := string(ctx.Path())
	r := &request{RequestCtx: ctx, route: s.routeOf(path), counts: s.counts}
	info := gate.Info{Method: string(ctx.Method()), Path: path, Size: len(ctx.Request.Body())}
	if r.route != nil {
		info.Route = r.route.counted
	}
	r.gate = s.gate.Begin(ctx.Conn(), info)
	r.mayCall = s.sayOrigin(r)
	status := fasthttp.StatusInternalServerError
	defer func() {
		if v := recover(); v != nil {
			s.logFault(r, &panicError{v, debug.Stack()})
			status = errInternal.write(r)
		}
		if s.KeepAlive > 0 && r.gate.Closes() {
			ctx.SetConnectionClose()
		}
		s.sayKeepAlive(ctx)
		t := r.sayTiming()
		r.gate.End(status)
		s.access.write(ctx, status, ctx.Time(), t)
	}()
	status = s.answer(r)
	r.compress()
}

// answer makes the route write the response, or writes the error itself. It returns the
// status.
func (s *server) answer(r *request) int {
	failure := s.unauthorized(r.route, string(r.Method()), string(r.Request.Header.Peek(fasthttp.HeaderAuthorization)))
	if failure != nil && r.route != nil && r.route.path == "/" && wantsPage(r) {
		failure = nil
	}
	if c := gate.ConnOf(r.Conn()); c != nil && errors.Is(c.Refused(), gate.ErrGone) {
		return s.gone(r)
	}
	if failure == nil {
		failure = s.refused(r.RequestCtx)
	}
	if failure == nil {
		failure = admit(r)
	}
	if failure != nil {
		return failure.write(r)
	}
	if r.gate.Over() {
		return errOver.write(r)
	}
	if r.IsOptions() {
		if failure := s.options(r); failure != nil {
			return failure.write(r)
		}
		return r.Response.StatusCode()
	}
	err := r.route.handle(s, r)
	switch {
	case err == nil:
		return r.Response.StatusCode()
	case errors.As(err, &failure):
		return failure.write(r)
	case errors.Is(err, gate.ErrGone):
		return s.gone(r)
	}
	s.logFault(r, err)
	return errInternal.write(r)
}

// gone drops a request whose client has hung up.
func (s *server) gone(r *request) int {
	s.Log.Debug("the client has gone, its request was dropped", "request_id", requestID(r.RequestCtx))
	hangUp(r.RequestCtx)
	return statusGone
}

// find returns the route of a path, nil if there is none.
func find(path string) *route {
	for i := range routes {
		if match(routes[i].path, path) {
			return &routes[i]
		}
	}
	return nil
}

// match reports whether path has the form of pattern. A part of pattern in braces, such
// as {name}, stands for any part of path that is not empty.
func match(pattern, path string) bool {
	for pattern != "" {
		want, wantRest, wantMore := strings.Cut(pattern, "/")
		got, gotRest, gotMore := strings.Cut(path, "/")
		if wantMore != gotMore || want != got && (got == "" || !strings.HasPrefix(want, "{")) {
			return false
		}
		pattern, path = wantRest, gotRest
	}
	return path == ""
}

// part returns the part of the request's path for which {name} stands in the path of the
// route.
func (r *request) part(name string) string {
	parts := strings.Split(string(r.Path()), "/")
	i := slices.Index(strings.Split(r.route.path, "/"), "{"+name+"}")
	if i < 0 {
		return ""
	}
	return parts[i]
}

// findTarget returns the route of a request target, nil if there is none. The target is
// a path or a whole address. findTarget reads it as fasthttp does, so that the gate finds
// the same route as handle does later.
func findTarget(target string) *route {
	path, _, _ := strings.Cut(target, "?")
	if route := find(path); route != nil && route.path == path {
		return route // no escapes, no dots
	}
	uri := fasthttp.AcquireURI()
	defer fasthttp.ReleaseURI(uri)
	if uri.Parse([]byte("localhost"), []byte(target)) != nil {
		return nil
	}
	return find(string(uri.Path()))
}

// admit returns why a request is refused if no route takes it, or nil. It returns nil
// for OPTIONS, too, which answer handles.
func admit(r *request) *failure {
	method, route := string(r.Method()), r.route
	switch {
	case !known(method):
		return unknownMethod(method)
	case method == http.MethodConnect:
		return errNoProxy
	case method == http.MethodOptions && (route != nil || isServer(r.RequestCtx)):
		return nil
	case route == nil:
		return notFound(string(r.Path()))
	case !slices.Contains(route.methods, method):
		return wrongMethod(method, route)
	}
	return nil
}

// known reports whether HTTP has a method of that name.
func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace, "QUERY":
		return true
	}
	return false
}

// hangUp closes the connection without an answer.
func hangUp(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.Conn().Close() // what fasthttp writes after that is lost
}

// linger makes the close after the answer wait a moment. If the client is still sending,
// a close at once could destroy the answer before the client has read it.
func linger(ctx *fasthttp.RequestCtx) {
	if c := gate.ConnOf(ctx.Conn()); c != nil {
		c.Linger()
	}
}

// logger logs the messages of fasthttp itself.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "error when serving connection") {
		return // unreadable has answered, or the client has gone
	}
	l.log.Warn("fasthttp: " + fmt.Sprintf(format, args...))
}
