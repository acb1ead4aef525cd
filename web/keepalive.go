package web

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// keepAliveGrace is how much longer an idle connection is kept than the client
// is told. A client that sends its next request at the last moment then finds
// it open. Node has the same second.
const keepAliveGrace = time.Second

// idleTimeout is how long a connection is kept on which no request arrives.
func idleTimeout(keepAlive time.Duration) time.Duration {
	if keepAlive == 0 {
		return 0
	}
	return keepAlive + keepAliveGrace
}

// sayKeepAlive tells the client how long it may count on the connection, if it
// is kept after this answer.
func (s *server) sayKeepAlive(ctx *fasthttp.RequestCtx) {
	seconds := int(s.KeepAlive / time.Second)
	if seconds == 0 || ctx.Response.ConnectionClose() || ctx.Request.Header.ConnectionClose() {
		return
	}
	ctx.Response.Header.Set(fasthttp.HeaderConnection, "keep-alive")
	ctx.Response.Header.Set(fasthttp.HeaderKeepAlive, fmt.Sprintf("timeout=%d", seconds))
}
