package web

import (
	"crypto/rand"

	"github.com/valyala/fasthttp"
)

const headerRequestID = "X-Request-Id"

// identify gives the answer the request's own id, or a new one if it has none
// that could be written into a log as it is.
func identify(ctx *fasthttp.RequestCtx) {
	id := ctx.Request.Header.Peek(headerRequestID)
	if !sane(id) {
		id = []byte(rand.Text())
	}
	ctx.Response.Header.SetBytesV(headerRequestID, id)
}

// requestID returns the id that identify has set.
func requestID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(headerRequestID))
}

// sane reports whether an id is 1 to 128 visible characters of ASCII.
func sane(id []byte) bool {
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= 128
}
