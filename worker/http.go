package worker

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/narwhal-server/narwhal/internal/gate"
)

type connKey struct{}

// HTTP makes a server of package net/http tell the gate of its requests: they
// take their turn, the scoreboard shows them, --limit-concurrency applies, and
// answers of a leaving worker say Connection: close. It changes srv and returns
// it. Its idle connections cannot be parked (Options.Park of a master): net/http asks for
// more with up to three bytes of a next request in its buffer.
func HTTP(env Env, srv *http.Server) *http.Server {
	inner := srv.ConnContext
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	state := srv.ConnState
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if state != nil {
			state(c, s)
		}
		conn, ok := c.(*gate.Conn)
		switch {
		case ok && s == http.StateIdle:
			conn.Idle()
		case ok && s == http.StateActive:
			conn.Active()
		}
	}
	next := srv.Handler
	if next == nil {
		next = http.DefaultServeMux
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(net.Conn)
		req := env.Gate.Begin(c, gate.Info{Method: r.Method, Path: r.URL.Path, Size: int(max(r.ContentLength, 0))})
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
	return srv
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
