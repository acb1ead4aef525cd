package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// allow returns the value of an Allow field: the methods of a route, and OPTIONS, which
// every route takes.
func (r *route) allow() string { return strings.Join(append(slices.Clone(r.methods), "OPTIONS"), ", ") }

// isServer reports whether a request asks for the options of the whole server: OPTIONS *.
func isServer(ctx *fasthttp.RequestCtx) bool { return string(ctx.RequestURI()) == "*" }

// options answers OPTIONS with the methods of a path, or of the whole server. It refuses
// a browser that asks whether a page of another origin may call: no such page may.
func options(r *request) *failure {
	allow := "GET, HEAD, POST, OPTIONS"
	if r.route != nil {
		allow = r.route.allow()
	}
	h := &r.Request.Header
	if len(h.Peek(fasthttp.HeaderOrigin)) > 0 && len(h.Peek(fasthttp.HeaderAccessControlRequestMethod)) > 0 {
		return &failure{405, "method_not_allowed", fmt.Sprintf("pages of %.100q may not call this service (CORS)", h.Peek(fasthttp.HeaderOrigin)),
			"call it from the page's own server, or through a proxy that adds the Access-Control fields"}
	}
	r.Response.Header.Set(fasthttp.HeaderAllow, allow)
	r.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
