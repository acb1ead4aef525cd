package bench

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// client sends requests one after the other over one connection, which it opens when it
// needs one. Only one goroutine may use it.
type client struct {
	run *run

	conn conn
	raw  syscall.RawConn // of conn, to look for a closed end; nil if it has none
	out  []byte
	in   reader
}

// outcome is the result of one request.
type outcome struct {
	status    int    // 0 without an answer
	body      []byte // valid until the client's next request
	err       error
	connects  int  // connections opened for the request
	reconnect bool // the kept connection was found closed before the request was sent
	retried   bool // the kept connection was closed during the request, so it was sent again
}

// do sends a request and reads the answer. A server may close a kept connection between
// two requests. If do finds the connection closed before it sends, it opens a new one. If
// it notices that only after it has sent a GET request, it sends the request again. Both
// are counted.
func (c *client) do(req *request, number int, now time.Time) (out outcome) {
	deadline := now.Add(c.run.o.Timeout)
	if c.conn != nil && c.raw != nil && stale(c.raw) {
		c.close()
		out.reconnect = true
	}
	kept := c.conn != nil
	a, err := c.try(req, number, deadline, &out)
	if err != nil && kept && c.run.o.Method == "GET" && closedUnanswered(err) && !c.in.began() {
		out.retried = true
		a, err = c.try(req, number, deadline, &out)
	}
	out.status, out.body, out.err = a.status, a.body, err
	return out
}

// closedUnanswered reports whether an error means that the server closed the connection
// before it answered.
func closedUnanswered(err error) bool {
	return errors.Is(err, errNoAnswer) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// try makes one attempt. It keeps the connection only if that can be used again.
func (c *client) try(req *request, number int, deadline time.Time, out *outcome) (answer, error) {
	if c.conn == nil {
		out.connects++
	}
	if err := c.ready(deadline); err != nil {
		c.close()
		return answer{}, err
	}
	c.out = req.appendTo(c.out[:0], number)
	c.in.n = 0
	_, failed := c.conn.Write(c.out)
	// A server may answer, for example with 413, and close before it has read the whole
	// request. Then writing fails, but there is an answer.
	a, err := answer{}, failed
	if !errors.Is(failed, os.ErrDeadlineExceeded) {
		a, err = c.in.next()
	}
	switch {
	case err == nil:
	case failed != nil:
		err = failed
	case err == io.EOF && c.in.began():
		err = errHalfAnswer
	case err == io.EOF:
		err = errNoAnswer
	}
	if err != nil || failed != nil || a.close || c.run.o.DisableKeepAlive {
		c.close()
	}
	return a, err
}

// ready opens a connection, unless there is one, and sets its deadline.
func (c *client) ready(deadline time.Time) error {
	if c.conn != nil {
		return c.run.setDeadline(c.conn, deadline)
	}
	conn, wait, err := c.run.dial()
	if err != nil {
		return err
	}
	c.conn, c.in.src = conn, conn
	c.run.opened(conn)
	if s, ok := conn.(syscall.Conn); ok {
		if c.raw, err = s.SyscallConn(); err != nil {
			return err
		}
	}
	if err := c.run.setDeadline(conn, deadline); err != nil || wait == nil {
		return err
	}
	return wait()
}

func (c *client) close() {
	if c.conn == nil {
		return
	}
	c.run.closed(c.conn)
	c.conn.Close()
	c.conn, c.raw, c.in.src = nil, nil, nil
}
