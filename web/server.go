package web

import (
	"net"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// smallHead is the largest head of a request, in bytes, that the usual server reads.
// fasthttp needs a buffer as large as the largest head for each request. Nearly all heads
// are small, so requests with a larger head have a server with larger buffers.
const smallHead = 16 << 10

// fasthttp returns a server for requests whose head has at most head bytes.
func (s *server) fasthttp(head int) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:      s.handle,
		ErrorHandler: s.unreadable,
		Name:         "narwhal",
		Logger:       logger{s.Log},

		// Nothing of a request may get into a log.
		SecureErrorLogMessage: true,

		// The gate limits connections: it does not accept more. fasthttp would accept
		// them and then refuse them.
		Concurrency: 1 << 20,

		// The gate reads a request whole before fasthttp sees it, and normalises
		// it, which may add a Content-Length.
		ReadBufferSize:     head + 1<<10,
		MaxRequestBodySize: s.LimitBody,
		ReadTimeout:        s.ReadTimeout,
		WriteTimeout:       s.ReadTimeout,
		IdleTimeout:        idleTimeout(s.KeepAlive),
		DisableKeepalive:   s.KeepAlive == 0,

		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
	}
}

// byHead gives requests with a large head to another server. Accept returns the others.
type byHead struct {
	*gate.Gate
	large *fasthttp.Server
}

func (l byHead) Accept() (net.Conn, error) {
	for {
		c, err := l.Gate.Accept()
		if err != nil {
			return nil, err
		}
		if gate.ConnOf(c).HeadSize() <= smallHead {
			return c, nil
		}
		go func() { _ = l.large.ServeConn(c) }() // the error was answered, or the client has gone
	}
}
