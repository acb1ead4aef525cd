package gate

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

var errTookTooLong = errors.New("the client did not take the answer in time")

// mostUnsent is how many bytes of an answer the gate keeps for a client that does not take
// them. Beyond it, Write waits for the client. So an answer of up to this size never makes
// the server wait: it costs only memory.
const mostUnsent = 1 << 20

// write passes bytes to the kernel, and returns how many the kernel took. It does not
// wait. The caller holds g.mu, or is the server while the state is serving.
func write(fd int, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := unix.Write(fd, p[n:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return n, nil
		case err != nil:
			return n, err
		default:
			n += m
		}
	}
	return n, nil
}

// send sends bytes to the client, encrypted if need be. What the kernel does not take now is
// kept, and sent when the client takes it. g.mu is held.
func (c *client) send(p []byte) {
	if c.secure == nil {
		c.sendRaw(p)
		return
	}
	if c.failed == nil {
		_, _ = c.secure.conn.Write(p) // sendRaw has noted an error
	}
}

// sendRaw sends bytes as they are. g.mu is held.
func (c *client) sendRaw(p []byte) {
	if c.failed != nil {
		return
	}
	n := 0
	if len(c.out) == 0 {
		var err error
		if n, err = write(c.fd, p); err != nil {
			c.fail(err)
			return
		}
		c.sent(n)
	}
	c.keep(p[n:])
}

// keep keeps bytes that the kernel did not take, until it takes them. g.mu is held.
func (c *client) keep(p []byte) {
	if len(p) == 0 {
		return
	}
	array := cap(c.out)
	c.out = append(c.out, p...)
	if cap(c.out) > array { // append has made a new array
		c.outSize = cap(c.out)
	}
	c.account()
	if c.outBy.IsZero() {
		c.outBy = time.Now().Add(c.g.rules.Timeout)
	}
	if !c.watched {
		c.watched = true
		if err := unix.EpollCtl(c.g.ep, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: edges | unix.EPOLLOUT, Fd: int32(c.fd)}); err != nil {
			c.fail(err)
		}
	}
}

// flushes moves the client to the state flushing: the gate sends the rest of the answer
// without the server. g.mu is held.
func (c *client) flushes() {
	c.state, c.since = flushing, time.Now()
	c.unsent = true
	c.g.unsent++
}

// flush sends more of what is kept. When all is sent and the state is flushing, the
// connection ends or waits for its next request. g.mu is held.
func (c *client) flush() {
	n, err := write(c.fd, c.out)
	c.sent(n)
	if n > 0 {
		c.since = time.Now()
	}
	if err != nil {
		c.fail(err)
		return
	}
	if c.out = c.out[n:]; len(c.out) > 0 {
		if len(c.out) <= c.outSize/2 {
			c.out = append([]byte(nil), c.out...) // the larger array can be freed
			c.outSize = cap(c.out)
		}
		c.account()
		c.conn.poke()
		return
	}
	c.out, c.outSize, c.outBy, c.watched = nil, 0, time.Time{}, false
	c.account()
	_ = unix.EpollCtl(c.g.ep, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: edges, Fd: int32(c.fd)})
	c.conn.poke()
	if c.state == flushing {
		c.awake()
		var until time.Time
		if c.idle > 0 {
			until = time.Now().Add(c.idle)
		}
		if c.closes {
			c.end()
		} else {
			c.boundary(until)
		}
	}
}

// sent counts n bytes on the scoreboard.
func (c *client) sent(n int) {
	if n > 0 && c.g.o.Line != nil {
		c.g.o.Line.Sent(n)
	}
}

// fail notes that writing has failed, and drops what is not sent. The connection ends: now
// in the state flushing, else when the server closes the Conn. g.mu is held.
func (c *client) fail(err error) {
	c.failed, c.out, c.outSize, c.closes = err, nil, 0, true
	c.account()
	if c.state == flushing {
		c.forget()
		return
	}
	c.conn.poke()
}
