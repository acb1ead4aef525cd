package web

import (
	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/requestid"
)

// identify sets the request's id in the answer: the client's id if it is a valid one, or
// a new id.
func identify(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(requestid.Header, requestid.Take(string(ctx.Request.Header.Peek(requestid.Header))))
}

// requestID returns the id that identify has set.
func requestID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(requestid.Header))
}
