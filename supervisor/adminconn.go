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

// net/http takes what workers refuse: a Content-Length beside a
// Transfer-Encoding, lines that end with a bare LF. So it sees only whole
// requests that http1 has accepted. A request that http1 refuses becomes one for
// refusedTarget, which no client can send, so that net/http answers it in its
// turn, after the requests before it.
//
// A client that asks whether its body is wanted (Expect: 100-continue) gets its
// answer instead: no path wants a body.

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

// strictConn is a connection of which only valid requests can be read. Like
// net/http itself it has one Read at a time.
type strictConn struct {
	net.Conn
	request http1.Request
	rest    []byte       // came after the request
	bad     *http1.Error // why the last request is refused, nil if it is not
	last    io.Reader    // the last request, without a body; nil while others may come
}

// Read gives parts of a request once it is whole.
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
			c.end(nil) // the client may send the body all the same
		}
	}
}

// end makes the present request the last one: net/http gets it without its body, and
// as one for refusedTarget if bad says that something is wrong with it. If there is a
// head, its fields stay: the answer takes over the request's id.
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

// Close waits in the background for what the client may still be sending after its
// last request: a plain close would be a reset, which can destroy the answer on its
// way (RFC 9112, 9.6).
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

// strict has refused requests answered, and passes on all others. It gives each
// answer the request's id.
func strict(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestid.Header, requestid.Take(r.Header.Get(requestid.Header)))
		c, ok := r.Context().Value(connKey{}).(*strictConn)
		if !ok || r.RequestURI != refusedTarget {
			next(w, r)
			return
		}
		hint := c.bad.Hint
		if c.bad.Status == http.StatusRequestEntityTooLarge {
			hint = "the admin address takes no body"
		}
		refuse(w, c.bad.Status, c.bad.Type, c.bad.Message, hint)
	}
}
