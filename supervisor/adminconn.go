package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/requestid"
)

// net/http accepts requests that workers refuse: a Content-Length beside a
// Transfer-Encoding, or lines that end with a bare LF. So net/http gets only whole
// requests that http1 has accepted. In place of a request that http1 refuses, net/http
// gets a request for refusedTarget. It answers that one in its turn, after the requests
// before it. No client can send refusedTarget: http1 refuses it.
//
// A client that asks whether it may send its body (Expect: 100-continue) gets its final
// answer at once, because no path uses a body.

const refusedTarget = "refused:"

// strictListener wraps every connection of a listener in a strictConn.
type strictListener struct {
	net.Listener
	limits http1.Limits
}

func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &strictConn{Conn: c, request: http1.Request{Limits: l.limits}}, nil
}

// strictConn is a connection whose Read returns only valid requests. Read must not be
// called by two goroutines at once, and net/http does not do so.
type strictConn struct {
	net.Conn
	request http1.Request
	rest    []byte       // received, and not yet given to request
	bad     *http1.Error // why the last request is refused, nil if it is not
	last    io.Reader    // the last request, without a body; nil while more requests may come
}

// Read returns bytes of the next request once the request is whole.
func (c *strictConn) Read(p []byte) (int, error) {
	for {
		if c.last != nil {
			return c.last.Read(p)
		}
		if c.request.Done() {
			if n, err := c.request.Read(p); err == nil {
				return n, nil
			}
			c.request.Reset()
		}
		if len(c.rest) == 0 {
			buf := make([]byte, 2048)
			n, err := c.Conn.Read(buf)
			switch {
			case n > 0:
				c.rest = buf[:n]
			case err == io.EOF && c.request.Begun():
				c.end(&http1.Error{Status: 400, Type: "bad_request", Message: "the connection ends in the middle of the request",
					Hint: "Content-Length must be the number of bytes in the body"})
				continue
			default:
				return 0, err
			}
		}
		n, err := c.request.Write(c.rest)
		c.rest = c.rest[n:]
		if err != nil {
			var bad *http1.Error
			errors.As(err, &bad)
			c.end(bad)
		} else if h := c.request.Head(); h != nil && h.Expect && !c.request.Done() {
			c.end(nil) // close after the answer: the client may still send the body
		}
	}
}

// end makes the present request the last one of the connection. net/http gets the
// request without its body. If bad is not nil, net/http gets it as a request for
// refusedTarget. If the head has been read, its fields stay, because the answer
// repeats the request's id.
func (c *strictConn) end(bad *http1.Error) {
	last := "GET " + refusedTarget + " HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n"
	if h := c.request.Head(); h != nil {
		method, target := h.Method, h.Target
		if bad != nil {
			target = refusedTarget
		}
		c.request.Cut()
		whole, _ := io.ReadAll(&c.request) // from memory
		_, fields, _ := bytes.Cut(whole, []byte("\r\n"))
		last = fmt.Sprintf("%s %s HTTP/1.%d\r\nConnection: close\r\n%s", method, target, h.Minor, fields)
	}
	c.bad, c.rest, c.last = bad, nil, strings.NewReader(last)
	c.request.Reset()
}

// Close closes the connection. After the last request it does so in the background:
// first it reads what the client may still be sending, for at most a second and 1 MiB.
// To close with unread bytes would reset the connection, and a reset can destroy the
// answer on its way (RFC 9112, 9.6).
func (c *strictConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if c.last == nil || !ok || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return c.Conn.Close()
	}
	go func() {
		_, _ = io.CopyN(io.Discard, c.Conn, 1<<20)
		c.Conn.Close()
	}()
	return nil
}

type connKey struct{}

// withConn is http.Server.ConnContext: it lets strict find the connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// strict answers the requests that http1 has refused, and passes all others to next.
// It gives each answer the request's id.
func strict(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestid.Header, requestid.Take(r.Header.Get(requestid.Header)))
		c, ok := r.Context().Value(connKey{}).(*strictConn)
		if !ok || r.RequestURI != refusedTarget {
			next(w, r)
			return
		}
		hint := c.bad.Hint
		switch c.bad.Status {
		case http.StatusRequestEntityTooLarge:
			hint = "the admin address takes no body"
		case http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
			hint = "the limits of the admin address are fixed; ask for /healthz, /readyz or /metrics without more"
		}
		refuse(w, c.bad.Status, c.bad.Type, c.bad.Message, hint)
	}
}
