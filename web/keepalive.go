package web

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// keepAliveGrace is how much longer an idle connection is kept than the client is told.
// So a client that sends its next request at the last moment finds the connection open.
// Node.js also adds one second.
const keepAliveGrace = time.Second

// idleTimeout returns how long a connection is kept on which no request arrives. 0 means
// that connections are not kept.
func idleTimeout(keepAlive time.Duration) time.Duration {
	if keepAlive == 0 {
		return 0
	}
	return keepAlive + keepAliveGrace
}

// sayKeepAlive tells the client in whole seconds how long the connection is kept. It
// does nothing if the connection is closed after this answer, or if KeepAlive is less
// than a second.
func (s *server) sayKeepAlive(ctx *fasthttp.RequestCtx) {
	seconds := int(s.KeepAlive / time.Second)
	if seconds == 0 || ctx.Response.ConnectionClose() || ctx.Request.Header.ConnectionClose() {
		return
	}
	ctx.Response.Header.Set(fasthttp.HeaderConnection, "keep-alive")
	ctx.Response.Header.Set(fasthttp.HeaderKeepAlive, fmt.Sprintf("timeout=%d", seconds))
}
