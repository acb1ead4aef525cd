package web

import (
	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/requestid"
)

// identify sets the request's id in the answer: the client's id if it is a valid one, or
// a new id. It also repeats the client's trace context, if that is valid.
func identify(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(requestid.Header, requestid.Take(string(ctx.Request.Header.Peek(requestid.Header))))
	if trace := ctx.Request.Header.Peek(requestid.Traceparent); requestid.ValidTraceparent(trace) {
		ctx.Response.Header.SetCanonical([]byte(requestid.Traceparent), trace)
	}
}

// requestID returns the id that identify has set.
func requestID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(requestid.Header))
}
