package web

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/web/page"
)

// fileRoutes are the routes of the files for browsers. They are not part of the API, so
// the description does not have them.
func fileRoutes() []route {
	var all []route
	for _, path := range page.Paths {
		all = append(all, route{path: path, methods: []string{"GET", "HEAD"}, handle: (*server).file, browser: true, public: true})
	}
	return all
}

// file answers with a file for browsers.
func (s *server) file(r *request) error {
	r.file(page.Open(r.route.path))
	return nil
}

// wantsPage reports whether a request of / comes from a browser: it has no body, and
// prefers HTML. The original clients send a body, and curl likes all types alike.
func wantsPage(r *request) bool {
	return len(r.Request.Body()) == 0 && !r.IsPost() && r.prefersHTML()
}

// index answers with the page that shows the entities of a text.
func (s *server) index(r *request) error {
	r.vary(fasthttp.HeaderAccept)
	r.file(s.page())
	return nil
}

// file makes f the response. A browser keeps the file, and asks each time whether it has
// changed.
func (r *request) file(f *page.File) {
	h := &r.Response.Header
	h.Set(fasthttp.HeaderETag, f.ETag)
	h.Set(fasthttp.HeaderCacheControl, "no-cache")
	h.Set(fasthttp.HeaderContentSecurityPolicy, f.Policy)
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	if hasTag(r.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), f.ETag) {
		r.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	h.SetContentType(f.Type)
	r.Response.SetBodyRaw(f.Body)
}

// hasTag reports whether an If-None-Match field has the tag. Weak tags count, too: a
// proxy that compresses a file makes its tag weak (RFC 9110, 13.1.2).
func hasTag(field []byte, tag string) bool {
	for one := range bytes.SplitSeq(field, []byte(",")) {
		one = bytes.TrimPrefix(bytes.TrimSpace(one), []byte("W/"))
		if string(one) == tag || string(one) == "*" {
			return true
		}
	}
	return false
}
