package worker

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/narwhal-server/narwhal/internal/gate"
)

type connKey struct{}

// HTTP makes an App of a server of package net/http, which must not be used for
// anything else. The server's requests take their turn, the scoreboard shows them,
// the limits of supervisor.Options apply to them, and the answers of a leaving
// worker say Connection: close. Requests are read whole before the handler is
// called, with bodies of at most LimitBody, and within srv.ReadTimeout (default 30 s).
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
		sw := &statusWriter{ResponseWriter: w, status: http.StatusInternalServerError} // stands if the handler panics
		defer func() { req.End(sw.status) }()
		if req.Over() {
			w.Header().Set("Retry-After", "1")
			http.Error(sw, "too many requests at once", http.StatusServiceUnavailable)
			return
		}
		if err := req.Enter(); errors.Is(err, gate.ErrGone) {
			sw.status = 499 // nginx's word for a client that has closed
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

// statusWriter remembers the status.
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
