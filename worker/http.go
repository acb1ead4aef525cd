package worker

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/narwhal-server/narwhal/internal/gate"
)

type connKey struct{}

// HTTP returns an App that serves with srv. HTTP changes srv, so do not use it for
// anything else. The App computes at most Threads requests at a time and answers 503
// beyond LimitConcurrency. It shows its requests on the scoreboard. When the worker leaves
// and connections cannot be parked, its answers say Connection: close. A request is read
// whole before the handler is called, within the limits that package limits has for its
// head and body. It must arrive within srv.ReadTimeout; 0 means 30 s.
func HTTP(srv *http.Server) App { return &httpApp{srv} }

type httpApp struct{ srv *http.Server }

func (a *httpApp) Serve(ln net.Listener) error {
	g, ok := ln.(*gate.Gate)
	if !ok {
		return errors.New("worker.HTTP: Serve takes only the listener that worker.Run gives to an App")
	}
	srv := a.srv
	g.Rules(gate.Rules{Timeout: srv.ReadTimeout})
	inner := srv.ConnContext
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	next := srv.Handler
	if next == nil {
		next = http.DefaultServeMux
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(net.Conn)
		req := g.Begin(c, gate.Info{Method: r.Method, Path: r.URL.Path, Size: int(max(r.ContentLength, 0))})
		sw := &statusWriter{ResponseWriter: w, status: http.StatusInternalServerError} // the status if the handler panics
		defer func() { req.End(sw.status) }()
		if req.Over() {
			w.Header().Set("Retry-After", "1")
			http.Error(sw, "too many requests at once", http.StatusServiceUnavailable)
			return
		}
		if err := req.Enter(); errors.Is(err, gate.ErrGone) {
			sw.status = 499 // as in nginx: the client has closed the connection
			return
		}
		if req.Closes() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(sw, r)
		if !sw.wrote {
			sw.status = http.StatusOK
		}
	})
	return srv.Serve(g)
}

// statusWriter remembers the status of the answer.
type statusWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *statusWriter) WriteHeader(status int) {
	w.status, w.wrote = status, true
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
