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

// Conn is what a server gets from Accept: a connection that carries one request. The
// server reads the request, writes the answer, and then closes the Conn or reads again.
// Reading again returns io.EOF once the request is answered. If the server then closes
// the Conn, the gate keeps the client's connection for the next request. If the server
// closes the Conn without having read this io.EOF, or without having written anything,
// the gate ends the client's connection, too.
//
// If a request cannot be read, Read returns one byte and then the error: an
// *http1.Error, ErrTimeout, ErrMemory, io.ErrUnexpectedEOF, or an error of the
// connection. The byte is there because servers close without an answer if the first
// byte fails. Rules.Refusals changes this for requests whose head is valid. A request whose
// client has hung up while it waited has its head and no body, and Enter fails.
type Conn struct {
	g *Gate

	// Guarded by g.mu.
	c        *client
	told     bool // Begin was called
	answered bool // End was called
	wrote    bool // the server has begun to write its answer
	byteRead bool // Read has returned the one byte of a request that could not be read
	over     bool // Read has returned io.EOF because the request is answered
	closed   bool
	readBy   time.Time // deadline of Read; after the answer, when the idle connection is closed
	writeBy  time.Time
	cond     *sync.Cond    // Read and Write wait on it; nil: they have not waited yet
	onGone   chan struct{} // closed when the client hangs up or the Conn is closed; may be nil
}

var _ net.Conn = (*Conn)(nil)

// serve makes the Conn of a client. g.mu is held.
func (c *client) serve() *Conn {
	c.conn = &Conn{g: c.g, c: c}
	return c.conn
}

// poke wakes Read and Write, and Request.Wait if the client has hung up. A nil *Conn is
// valid: poke does nothing. g.mu is held.
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

// expire wakes Read and Write, so that they look at their deadlines. g.mu is held.
func (c *Conn) expire() {
	if c.cond != nil {
		c.cond.Broadcast()
	}
}

// wait waits for poke or expire. It releases g.mu while it waits. g.mu is held.
func (c *Conn) wait() {
	if c.cond == nil {
		c.cond = sync.NewCond(&c.g.mu)
	}
	c.cond.Wait()
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// Read returns the bytes of the request. After them it waits, and returns io.EOF when the
// request is answered or the client has hung up. If the server never calls Begin, the
// request counts as answered with the first Write. After an answer that ends HTTP (101,
// or 2xx to CONNECT) Read returns the bytes of the connection as they are. It fails with
// os.ErrDeadlineExceeded at the read deadline, and with net.ErrClosed after Close.
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

// readRaw reads from the connection itself: first from rest, then from the kernel. g.mu
// is held.
func (c *Conn) readRaw(p []byte) (int, error) {
	k := c.c
	if len(k.rest) > 0 {
		n := copy(p, k.rest)
		k.rest = append([]byte(nil), k.rest[n:]...)
		k.account()
		return n, nil
	}
	for {
		n, err := k.read(p)
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

// Write sends a part of the answer. It waits for the client only while more than
// mostUnsent bytes are not taken by the kernel. It fails if the client has gone or has
// not taken the answer in time, and with net.ErrClosed after Close.
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
	n, err := 0, error(nil)
	direct := false
	switch {
	case k.failed != nil:
	case k.secure != nil:
		k.send(p)
		n = len(p)
	default:
		direct = len(k.out) == 0
	}
	g.mu.Unlock()

	if direct {
		n, err = write(k.fd, p) // without the lock: only the server writes in this state
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	if direct {
		k.sent(n)
	}
	if err != nil {
		k.fail(err)
	}
	if c.closed {
		return n, net.ErrClosed
	}
	if k.failed == nil {
		k.keep(p[n:])
	}
	for k.stream && len(k.out) > streamUnsent && k.failed == nil && !c.closed {
		c.waitUnsent()
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

// switches looks at the beginning of the answer. If it ends HTTP on this connection, as
// the answer to a WebSocket client does, switches gives the request's place back.
// g.mu is held.
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

// giveBack gives the request's place back, if it holds one. g.mu is held.
func (c *Conn) giveBack() {
	if c.c.place {
		c.c.place = false
		c.g.free()
	}
}

// HeadSize returns about how many bytes the head of the request has: Read may give up to
// a hundred more.
func (c *Conn) HeadSize() int {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.c.in.HeadSize()
}

// Refused returns why the gate has refused the request, or nil if it has not. With
// Rules.Refusals the server may have got the head of such a request, without its body.
func (c *Conn) Refused() error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.c.refused
}

// Linger makes the gate read what the client still sends, for at most a second, if the
// connection ends with Close. Close itself does not wait. The gate does the same without
// Linger if bytes of the client have already arrived.
func (c *Conn) Linger() {
	c.g.mu.Lock()
	c.c.linger = true
	c.g.mu.Unlock()
}

// Close ends the server's part, and gives the request's place back. The comment of Conn
// says when the client's connection stays open. A second Close returns net.ErrClosed.
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
	if k.stream && k.refused == nil && k.in.Done() {
		k.linger = false // the client has sent all
	}
	k.in.Reset()
	k.held, k.stream = 0, false
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

// LocalAddr returns the address that the client has connected to.
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

// RemoteAddr returns the client's address.
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

// SetDeadline calls SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets when a Read that waits fails. The zero time means no limit. The
// last value set is also the time at which the gate closes the connection if no other
// request has come.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.readBy = t
	if c.cond != nil {
		c.cond.Broadcast()
	}
	return nil
}

// SetWriteDeadline sets when the client must have taken what later calls of Write send.
// With the zero time, the client has Rules.Timeout from the last Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.g.mu.Lock()
	c.writeBy = t
	c.g.mu.Unlock()
	return nil
}
