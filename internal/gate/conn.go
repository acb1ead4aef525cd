package gate

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is an accepted connection that tells the gate when it only waits.
type Conn struct {
	g             *Gate
	file          *os.File
	rc            syscall.RawConn
	local, remote net.Addr

	// Guarded by g.mu.
	held     bool      // has a place
	waiting  bool      // a Read waits for data
	busy     bool      // its request is with the handler
	handled  bool      // the server tells where requests end
	boundary bool      // nothing of a next request was read
	served   bool      // it has got an answer here
	resting  bool      // waits at a boundary: counted in g.idle
	since    time.Time // it reached the boundary
	row      int       // requests it has brought
	shed     bool      // its next answer says Connection: close
	reaped   bool      // to be closed if it is still idle
	deadline time.Time // of reads, as the server set it
	linger   bool      // Close waits for what the client is still sending
	closed   bool      // Close was called, or it was parked: no place any more

	// Used by one Read at a time.
	buf  []byte
	n    int
	err  error
	try  func(fd uintptr) bool // tryRead, bound once
	once sync.Once
}

var _ net.Conn = (*Conn)(nil)

// admit makes a connection of an accepted descriptor. g.mu is held.
func (g *Gate) admit(fd int, local, remote net.Addr) (*Conn, error) {
	// An os.File, because package net can make a connection of a descriptor
	// only by duplicating it. TCP_NODELAY and keep-alive probes come with the
	// listening socket.
	file := os.NewFile(uintptr(fd), "connection")
	rc, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	c := &Conn{g: g, file: file, rc: rc, local: local, remote: remote, boundary: true, since: time.Now()}
	c.try = c.tryRead
	g.conns[c] = struct{}{}
	g.hold(c)
	if g.o.Line != nil {
		g.o.Line.Conns(len(g.conns))
	}
	return c, nil
}

// Read reads. While it waits, the connection has no place.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.buf, c.n, c.err = p, 0, nil
	for {
		err := c.rc.Read(c.try)
		c.stopWaiting()
		switch {
		case err == nil:
			c.buf = nil
			return c.n, c.err
		case errors.Is(err, os.ErrDeadlineExceeded) && c.retry():
			continue // the deadline was the gate's, which wanted this Read to look again
		case errors.Is(err, os.ErrClosed):
			err = net.ErrClosed
		}
		c.buf = nil
		return 0, err
	}
}

// tryRead reads what is there; false means wait for more.
func (c *Conn) tryRead(fd uintptr) bool {
	if c.yield(int(fd)) {
		c.err = io.EOF
		return true
	}
	for {
		n, err := unix.Read(int(fd), c.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if c.rest(int(fd)) {
				c.err = io.EOF
				return true
			}
			return false
		case err != nil:
			c.err = &net.OpError{Op: "read", Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
		case n == 0:
			c.err = io.EOF
		default:
			c.n = n
		}
		c.gotData()
		return true
	}
}

func (c *Conn) gotData() {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.awake()
	if c.n > 0 {
		if c.g.o.Line != nil {
			c.g.o.Line.Received(c.n)
		}
		c.boundary = false
		if c.reaped { // it was used in the last moment
			c.reaped, c.g.reaping = false, nil
			c.g.change.Broadcast()
		}
	}
	c.g.hold(c)
}

func (c *Conn) stopWaiting() {
	c.g.mu.Lock()
	c.awake()
	c.g.mu.Unlock()
}

// retry restores the deadline the server wanted if the gate has overwritten it.
func (c *Conn) retry() bool {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.g.stage != hangUp && !c.reaped || (!c.deadline.IsZero() && !time.Now().Before(c.deadline)) {
		return false
	}
	return c.file.SetReadDeadline(c.deadline) == nil
}

func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	if c.g.o.Line != nil {
		c.g.o.Line.Sent(n)
	}
	c.g.mu.Lock()
	if !c.handled && c.g.park == nil {
		c.atBoundary() // a server that does not tell: what it writes is an answer
	}
	c.g.mu.Unlock()
	if errors.Is(err, os.ErrClosed) {
		err = net.ErrClosed
	}
	return n, err
}

// Linger makes Close wait a moment for what the client is still sending. A
// plain close would answer that with a reset, and the client could lose an
// answer it has already been sent, such as «your body is too large».
func (c *Conn) Linger() {
	c.g.mu.Lock()
	c.linger = true
	c.g.mu.Unlock()
}

const (
	lingerTime  = time.Second
	lingerBytes = 16 << 20
)

// Close closes the connection and gives back its place.
func (c *Conn) Close() error {
	err := error(net.ErrClosed)
	c.once.Do(func() {
		c.g.mu.Lock()
		c.g.release(c)
		c.closed = true
		linger := c.linger
		c.g.mu.Unlock()
		if linger {
			err = nil
			go c.lingeringClose()
			return
		}
		err = c.close()
	})
	return err
}

func (c *Conn) close() error {
	err := c.file.Close()
	c.g.mu.Lock()
	delete(c.g.conns, c)
	if c.g.reaping == c {
		c.g.reaping = nil
	}
	if c.g.o.Line != nil {
		c.g.o.Line.Conns(len(c.g.conns))
	}
	c.g.change.Broadcast()
	c.g.mu.Unlock()
	return err
}

// lingeringClose says that no more will come, then reads and forgets until the
// client has closed too or has sent for long enough.
func (c *Conn) lingeringClose() {
	defer c.close()
	_ = c.rc.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
	if c.file.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	buf := make([]byte, 16<<10)
	for left := lingerBytes; left > 0; {
		n, err := c.file.Read(buf)
		if err != nil {
			return
		}
		left -= n
	}
}

func (c *Conn) LocalAddr() net.Addr  { return c.local }
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *Conn) SetReadDeadline(t time.Time) error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.deadline = t
	return c.file.SetReadDeadline(t)
}

func (c *Conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// gone waits until the client has hung up or the time is over, and says which.
// A half-closed connection counts as gone, as it does in net/http: from here a
// client that has closed and one that only sends no more look the same.
func (c *Conn) gone(until time.Time) bool {
	c.g.mu.Lock()
	before := c.deadline
	err := c.file.SetReadDeadline(until)
	c.g.mu.Unlock()
	if err != nil {
		return true
	}
	var gone bool
	_ = c.rc.Read(func(fd uintptr) bool {
		gone = hungUp(int(fd))
		return gone
	})
	c.g.mu.Lock()
	_ = c.file.SetReadDeadline(before)
	c.g.mu.Unlock()
	return gone
}
