package web

import (
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/tokens"
)

var (
	errNoToken    = &failure{401, "unauthorized", "the request has no token", "send the header field Authorization: Bearer TOKEN; who runs the service has the token"}
	errWrongToken = &failure{401, "unauthorized", "the token is not known here", "ask who runs the service for a token"}
)

// unauthorized returns why a request may not be served, or nil. Health checks need no token,
// nor do the files for browsers and the description of the API: a browser cannot send one
// until the page has asked the person for it. Neither does OPTIONS: a browser asks with it
// whether it may send one.
func (s *server) unauthorized(route *route, method, authorization string) *failure {
	if len(s.TokenHashes) == 0 || method == http.MethodOptions || route != nil && (route.exempt || route.public) {
		return nil
	}
	token, ok := tokens.Bearer(authorization)
	switch {
	case !ok:
		return errNoToken
	case !tokens.Set(s.TokenHashes).Has(token):
		return errWrongToken
	}
	return nil
}

// permit reports whether a request with this head may be served. The gate asks before it
// reads the body. A request of / without a body may be one for the page, which answer sees.
func (s *server) permit(h *http1.Head) bool {
	if len(s.TokenHashes) == 0 {
		return true
	}
	route := findTarget(h.Target)
	mayBePage := route != nil && route.path == "/" && h.Method != http.MethodPost && h.Length == 0
	return mayBePage || s.unauthorized(route, h.Method, h.Authorization) == nil
}

// challenge says in an answer 401 what is missing (RFC 6750, 3).
func (f *failure) challenge(h *fasthttp.ResponseHeader) {
	value := `Bearer realm="narwhal"`
	if f == errWrongToken {
		value += `, error="invalid_token"`
	}
	h.Set(fasthttp.HeaderWWWAuthenticate, value)
}
