package web

import (
	"github.com/valyala/fasthttp"
)

// compressFrom is the size in bytes from which an answer is compressed. A smaller one fits
// into few packets, so that compressing it would cost more time than it saves.
const compressFrom = 4 << 10

// compress compresses the body of a large answer if the client asks for that. The level
// is a low one, because JSON of entities repeats itself: a higher level would take much
// more time for little less.
func (r *request) compress() {
	h := &r.Response.Header
	if len(r.Response.Body()) < compressFrom || r.Response.StatusCode() != fasthttp.StatusOK || len(h.ContentEncoding()) > 0 {
		return
	}
	r.vary(fasthttp.HeaderAcceptEncoding)
	switch coding := bestCoding(preferences(&r.Request.Header, fasthttp.HeaderAcceptEncoding)); coding {
	case "gzip":
		r.Response.SetBodyRaw(fasthttp.AppendGzipBytesLevel(nil, r.Response.Body(), fasthttp.CompressBestSpeed))
		h.SetContentEncoding(coding)
	case "br":
		r.Response.SetBodyRaw(fasthttp.AppendBrotliBytesLevel(nil, r.Response.Body(), fasthttp.CompressBrotliBestSpeed))
		h.SetContentEncoding(coding)
	}
}

// bestCoding returns gzip or br, whichever a client likes better, or "" if it would rather
// have the answer as it is. Of codings that it likes alike gzip is chosen, which takes less
// time and memory.
func bestCoding(accept []preference) string {
	like := func(names ...string) int {
		for _, name := range names {
			if q, ok := liking(accept, name); ok {
				return q
			}
		}
		return 0
	}
	gzip, br := like("gzip", "x-gzip", "*"), like("br", "*")
	switch identity, _ := liking(accept, "identity"); {
	case gzip > 0 && gzip >= br && gzip >= identity:
		return "gzip"
	case br > 0 && br >= identity:
		return "br"
	}
	return ""
}
