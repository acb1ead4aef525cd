package web

import (
	"fmt"
	"slices"

	"github.com/valyala/fasthttp"
)

const (
	corsHeaders = "Accept, Content-Encoding, Content-Type, Traceparent, X-Request-Id" // a page may send them
	corsExposed = "Retry-After, Server-Timing, Traceparent, X-Request-Id"             // a page may read them
	corsMaxAge  = "7200"                                                              // seconds for which a browser keeps the answer to a preflight; Chrome's limit
)

// sayOrigin lets the page that has sent a request read the answer, if its origin may call
// the service. It reports whether it may.
func (s *server) sayOrigin(r *request) bool {
	if len(s.CORSOrigins) == 0 {
		return false
	}
	h := &r.Response.Header
	all := slices.Contains(s.CORSOrigins, "*")
	if !all {
		r.vary(fasthttp.HeaderOrigin) // a cache must not give the answer to another page
	}
	origin := string(r.Request.Header.Peek(fasthttp.HeaderOrigin))
	switch {
	case origin == "":
		return false
	case all:
		origin = "*"
	case !slices.Contains(s.CORSOrigins, origin):
		return false
	}
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
	h.Set(fasthttp.HeaderAccessControlExposeHeaders, corsExposed)
	return true
}

// preflight answers a browser that asks whether a page of another origin may send a request.
// allow has the methods of the path.
func (s *server) preflight(r *request, allow string) *failure {
	if !r.mayCall {
		return &failure{405, "method_not_allowed", fmt.Sprintf("pages of %.100q may not call this service (CORS)", r.Request.Header.Peek(fasthttp.HeaderOrigin)),
			"call it from the page's own server, or have the service started with --cors-origin"}
	}
	headers := corsHeaders
	if len(s.TokenHashes) > 0 {
		headers = "Authorization, " + headers
	}
	h := &r.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowMethods, allow)
	h.Set(fasthttp.HeaderAccessControlAllowHeaders, headers)
	h.Set(fasthttp.HeaderAccessControlMaxAge, corsMaxAge)
	return nil
}
