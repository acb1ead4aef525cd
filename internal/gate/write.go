package gate

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

var errTookTooLong = errors.New("the client did not take the answer in time")

// mostUnsent is the number of bytes beyond which a server that writes waits for
// the client to take some. An answer of up to this size costs a slow client's
// server nothing but memory.
const mostUnsent = 1 << 20

// write passes bytes to the kernel, and returns how many it took. It is called
// with the lock or by the only one who writes.
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

// send sends, now or when the client takes it. g.mu is held.
func (c *client) send(p []byte) {
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

// keep keeps what the kernel did not take. g.mu is held.
func (c *client) keep(p []byte) {
	if len(p) == 0 {
		return
	}
	array := cap(c.out)
	c.out = append(c.out, p...)
	if cap(c.out) > array { // it is another one
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

// flushes has the client take the rest of its answer, without the server. g.mu is held.
func (c *client) flushes() {
	c.state, c.since = flushing, time.Now()
	c.unsent = true
	c.g.unsent++
}

// flush sends on. g.mu is held.
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
			c.out = append([]byte(nil), c.out...) // the array is given back
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

func (c *client) sent(n int) {
	if n > 0 && c.g.o.Line != nil {
		c.g.o.Line.Sent(n)
	}
}

// fail ends writing. g.mu is held.
func (c *client) fail(err error) {
	c.failed, c.out, c.outSize, c.closes = err, nil, 0, true
	c.account()
	if c.state == flushing {
		c.forget()
		return
	}
	c.conn.poke()
}
