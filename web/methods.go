package web

import (
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// allow returns the value of an Allow field: the methods of a route, and OPTIONS, which
// every route takes.
func (r *route) allow() string { return strings.Join(append(slices.Clone(r.methods), "OPTIONS"), ", ") }

// isServer reports whether a request asks for the options of the whole server: OPTIONS *.
func isServer(ctx *fasthttp.RequestCtx) bool { return string(ctx.RequestURI()) == "*" }

// options answers OPTIONS with the methods of a path, or of the whole server.
func (s *server) options(r *request) *failure {
	allow := "GET, HEAD, POST, OPTIONS"
	if r.route != nil {
		allow = r.route.allow()
	}
	h := &r.Request.Header
	if len(h.Peek(fasthttp.HeaderOrigin)) > 0 && len(h.Peek(fasthttp.HeaderAccessControlRequestMethod)) > 0 {
		if f := s.preflight(r, allow); f != nil {
			return f
		}
	}
	r.Response.Header.Set(fasthttp.HeaderAllow, allow)
	r.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
