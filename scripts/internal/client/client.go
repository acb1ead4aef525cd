// Package client sends requests as clients do, counts answers and failures, and measures
// times. It uses nothing of a server but its socket.
//
// internal/bench sends a GET request again if the server closes a kept connection under it.
// Here that is a failure, and no request is sent twice.
package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// AnswerTime is how long a client waits for an answer. A request that has none by
// then is lost.
const AnswerTime = 30 * time.Second

// Body returns the body of a request for a text.
func Body(text string) []byte {
	b, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		panic(err) // a string can always be written
	}
	return b
}

// Request returns a request for a text. fields are added to its header.
func Request(method, text string, fields ...string) []byte {
	body := Body(text)
	b := fmt.Appendf(nil, "%s / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, len(body))
	for _, f := range fields {
		b = fmt.Appendf(b, "%s\r\n", f)
	}
	return append(append(b, "\r\n"...), body...)
}

// Dial makes a connection.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Client sends requests one after the other. It belongs to one goroutine.
type Client struct {
	Network, Addr string
	Keep          bool          // it uses a connection until the server closes it
	Timeout       time.Duration // of a request; 0: AnswerTime
	Dial          Dial          // how it connects; nil: to Addr

	conn net.Conn
	br   *bufio.Reader
}

// Ask sends a request and returns the body of the answer. It fails if there is no answer
// in time, and if the status is not 200. In the latter case it returns the body, too.
func (c *Client) Ask(ctx context.Context, request []byte) ([]byte, error) {
	return c.AskBy(ctx, func(w io.Writer) error {
		_, err := w.Write(request)
		return err
	})
}

// AskBy is Ask, but calls send to write the request.
func (c *Client) AskBy(ctx context.Context, send func(io.Writer) error) ([]byte, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = AnswerTime
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if c.conn != nil && c.ended() {
		c.Close()
	}
	if c.conn == nil {
		dial := c.Dial
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		conn, err := dial(ctx, c.Network, c.Addr)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", Cause(err))
		}
		c.conn, c.br = conn, bufio.NewReader(conn)
	}
	body, more, err := c.exchange(ctx, send)
	if err != nil || !more || !c.Keep {
		c.Close()
	}
	return body, err
}

func (c *Client) exchange(ctx context.Context, send func(io.Writer) error) (body []byte, more bool, err error) {
	deadline, _ := ctx.Deadline()
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, false, err
	}
	conn := c.conn
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if err := send(c.conn); err != nil {
		return nil, false, fmt.Errorf("send: %w", Cause(err))
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return nil, false, fmt.Errorf("receive: %w", Cause(err))
	}
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, false, fmt.Errorf("receive the body: %w", Cause(err))
	}
	if resp.StatusCode != http.StatusOK {
		return body, !resp.Close, fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, !resp.Close, nil
}

// ended reports whether the server has closed the connection.
func (c *Client) ended() bool {
	rc, err := c.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	err = rc.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = err != syscall.EAGAIN && err != syscall.EINTR
	})
	return gone || err != nil
}

// Close closes the connection that was kept, if there is one.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// Cause returns an error without addresses, so that equal errors are counted together.
func Cause(err error) error {
	var no syscall.Errno
	switch {
	case errors.As(err, &no):
		return no
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return err
}
