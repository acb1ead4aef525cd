package gate

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is what a server gets from Accept: a connection that carries one request.
// The server reads the request, writes the answer, and closes the Conn or reads on.
// Reading on ends with io.EOF as soon as the answer is written: the connection
// itself then goes on without the server. It ends if the server closes the Conn
// without having read io.EOF, or without having written anything.
//
// Of a request that could not be read the server gets one byte and then the error
// (an *http1.Error, ErrTimeout, ErrMemory, io.ErrUnexpectedEOF), so that it can
// answer with it; servers close silently on an error in place of the first byte.
type Conn struct {
	g *Gate

	// Guarded by g.mu.
	c        *client
	told     bool // Begin was called
	answered bool // End was called
	wrote    bool // something of an answer
	byteRead bool // of a request that could not be read
	over     bool // Read has returned io.EOF
	closed   bool
	readBy   time.Time // deadline; after the answer, that of the connection
	writeBy  time.Time
	cond     *sync.Cond
	onGone   chan struct{} // closed when the client hangs up; nil: nobody waits
}

var _ net.Conn = (*Conn)(nil)

// serve makes the Conn. g.mu is held.
func (c *client) serve() *Conn {
	c.conn = &Conn{g: c.g, c: c}
	return c.conn
}

// poke wakes whoever waits for the client. g.mu is held.
func (c *Conn) poke() {
	if c == nil {
		return
	}
	if c.cond != nil {
		c.cond.Broadcast()
	}
	if c.onGone != nil && c.c.hungUp() {
		close(c.onGone)
		c.onGone = nil
	}
}

// expire wakes those whose deadline is over. g.mu is held.
func (c *Conn) expire() {
	if c.cond != nil {
		c.cond.Broadcast()
	}
}

// wait waits for poke. g.mu is held.
func (c *Conn) wait() {
	if c.cond == nil {
		c.cond = sync.NewCond(&c.g.mu)
	}
	c.cond.Wait()
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// Read gives the request, then waits for the client to hang up, and returns
// io.EOF when it has or when the request is answered.
func (c *Conn) Read(p []byte) (int, error) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	k := c.c
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case k.raw:
		return c.readRaw(p)
	case k.refused != nil && !k.asRequest && !c.byteRead:
		c.byteRead = true
		p[0] = 'X'
		return 1, nil
	case k.refused != nil && !k.asRequest:
		return 0, k.refused
	}
	if n, _ := k.in.Read(p); n > 0 {
		return n, nil
	}
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case c.answered || !c.told && c.wrote:
			c.over = true
			return 0, io.EOF
		case k.hungUp():
			return 0, io.EOF
		case passed(c.readBy):
			return 0, os.ErrDeadlineExceeded
		case k.raw:
			return c.readRaw(p)
		}
		c.wait()
	}
}

// readRaw reads from the connection itself.
func (c *Conn) readRaw(p []byte) (int, error) {
	k := c.c
	if len(k.rest) > 0 {
		n := copy(p, k.rest)
		k.rest = append([]byte(nil), k.rest[n:]...)
		k.account()
		return n, nil
	}
	for {
		n, err := unix.Read(k.fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
		case err != nil:
			return 0, &net.OpError{Op: "read", Net: "tcp", Err: err}
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
		if c.wait(); c.closed {
			return 0, net.ErrClosed
		} else if passed(c.readBy) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write writes. It waits for the client only if a megabyte was not taken yet.
func (c *Conn) Write(p []byte) (int, error) {
	g, k := c.g, c.c
	g.mu.Lock()
	if c.closed {
		g.mu.Unlock()
		return 0, net.ErrClosed
	}
	if !c.wrote {
		c.wrote = true
		c.switches(p)
	}
	k.outBy = c.writeBy
	direct := len(k.out) == 0 && k.failed == nil
	g.mu.Unlock()

	n, err := 0, error(nil)
	if direct {
		n, err = write(k.fd, p) // without the lock: nobody else writes while the server does
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	k.sent(n)
	if err != nil {
		k.fail(err)
	}
	if c.closed {
		return n, net.ErrClosed
	}
	if k.failed == nil {
		k.keep(p[n:])
	}
	for len(k.out) > mostUnsent && k.failed == nil && !c.closed {
		if k.place && c.answered {
			c.giveBack()
			g.proceed()
		}
		c.wait()
	}
	switch {
	case k.failed != nil:
		return n, &net.OpError{Op: "write", Net: c.remote().Network(), Addr: c.remote(), Err: k.failed}
	case c.closed:
		return n, net.ErrClosed
	}
	return len(p), nil
}

// switches looks whether the answer ends HTTP on this connection, as that to a
// WebSocket client does. The request then holds no place any more. g.mu is held.
func (c *Conn) switches(answer []byte) {
	k := c.c
	h := k.in.Head()
	if h == nil || !h.Upgrade {
		return
	}
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 101")) || h.Method == "CONNECT" && bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
		k.raw = true
		c.giveBack()
	}
}

// giveBack gives the place back, if there is one. g.mu is held.
func (c *Conn) giveBack() {
	if c.c.place {
		c.c.place = false
		c.g.free()
	}
}

// Refused says why the request has no body, or nil if nothing is wrong with it. See
// Rules.Refusals.
func (c *Conn) Refused() error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.c.refused
}

// Linger makes Close wait a moment for what the client is still sending. The gate
// does so itself where it sees that there is something.
func (c *Conn) Linger() {
	c.g.mu.Lock()
	c.c.linger = true
	c.g.mu.Unlock()
}

// Close ends the server's part. See Conn for what becomes of the connection.
func (c *Conn) Close() error {
	g, k := c.g, c.c
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if c.onGone != nil {
		close(c.onGone)
		c.onGone = nil
	}
	if c.cond != nil {
		c.cond.Broadcast()
	}
	c.giveBack()
	k.uncount()
	k.conn = nil
	keep := c.over && c.wrote && !k.closes && !k.raw && !k.ended
	k.in.Reset()
	k.account()
	switch {
	case !keep:
		k.end()
	case len(k.out) > 0:
		k.row++
		k.idle = 0
		if !c.readBy.IsZero() {
			k.idle = max(time.Until(c.readBy), 1)
		}
		k.flushes()
	default:
		k.row++
		k.boundary(c.readBy)
	}
	g.proceed()
	return nil
}

// LocalAddr is the address that the client has connected to.
func (c *Conn) LocalAddr() net.Addr {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if k := c.c; k.local == nil {
		k.local = &net.UnixAddr{Net: "unix"}
		if !c.closed {
			if sa, err := unix.Getsockname(k.fd); err == nil {
				k.local = address(sa)
			}
		}
	}
	return c.c.local
}

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.remote()
}

func (c *Conn) remote() net.Addr {
	k := c.c
	if k.remote == nil {
		k.remote = &unix.SockaddrUnix{}
		if !c.closed {
			if sa, err := unix.Getpeername(k.fd); err == nil {
				k.remote = sa
			}
		}
	}
	return address(k.remote)
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets until when Read waits. What is set last also says how long
// the connection is kept for another request.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.readBy = t
	if c.cond != nil {
		c.cond.Broadcast()
	}
	return nil
}

// SetWriteDeadline sets until when the client must have taken what is written
// from then on. Without it, Rules.Timeout holds from the write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.g.mu.Lock()
	c.writeBy = t
	c.g.mu.Unlock()
	return nil
}
