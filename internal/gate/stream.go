package gate

import (
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/http1"
)

// A stream is a request whose body the server reads while it arrives (Rules.Stream). The
// server gets the request as soon as its head is whole, without a place. It calls ReadBody
// for the body, Enter for a place when it computes, and Rest to give the place back before
// it reads or writes. So the client's slowness holds no place.
//
//   - The gate reads at most streamWindow bytes ahead of the server, and keeps at most
//     streamUnsent bytes that the client has not taken. Both count towards LimitBuffers.
//   - ReadBody has a deadline. When the gate needs memory or a connection for others, it
//     ends streams that have made it wait for longer than stalled, like other requests that
//     are incomplete and answers that are not taken.
//   - A stream stays in its worker, and its connection ends with it.

const (
	streamWindow = 64 << 10 // bytes of a body that were read ahead; one read more may come on top
	streamUnsent = 64 << 10 // bytes of an answer that the client has not taken; Write waits beyond it
)

// streams is http1.Request.Stream.
func (g *Gate) streams(r *http1.Request) bool {
	return g.rules.Stream != nil && g.rules.Stream(r.Head(), r.Field)
}

// becomeStream gives a request whose head is whole to the server. g.mu is held.
func (c *client) becomeStream() {
	c.awake()
	c.state, c.until, c.stream = serving, time.Time{}, true
	c.whole = board.Now()
	c.closes, c.linger = true, true
	c.asRequest = true // if the body is refused, the server gets the head all the same
	c.count()
	c.g.deliver(c)
}

// pour reads what has arrived of a stream's body, up to streamWindow. g.mu is held.
func (c *client) pour() {
	g := c.g
	for c.ready && c.refused == nil && !c.in.Done() && c.in.Untaken() < streamWindow {
		n, err := unix.Read(c.fd, g.scratch[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			c.ready = false
		case err != nil:
			c.endStream(err)
		case n == 0:
			c.ended = true
			c.endStream(io.ErrUnexpectedEOF)
		default:
			if g.o.Line != nil {
				g.o.Line.Received(n)
			}
			m, err := c.in.Write(g.scratch[:n])
			if err != nil {
				c.endStream(err)
			} else if c.in.Done() {
				c.rest = append([]byte(nil), g.scratch[m:n]...)
			}
			if c.account(); g.memory > int(g.o.LimitBuffers) && !g.makeRoom(c) {
				c.endStream(ErrMemory)
			}
		}
	}
}

// endStream makes ReadBody fail with err. To make room for others, it drops what has
// arrived and was not read. g.mu is held.
func (c *client) endStream(err error) {
	if c.refused == nil {
		c.refused = err
	}
	if errors.Is(err, ErrMemory) || errors.Is(err, ErrTimeout) {
		c.in.Cut()
		c.account()
	}
	c.awake()
	c.conn.poke()
}

// Streams reports whether the server reads the request's body with ReadBody.
func (c *Conn) Streams() bool {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.c.stream
}

// ReadBody reads from the body of a stream. It waits for bytes until a time, or not at all
// if that has passed, and fails then with ErrTimeout. It returns io.EOF at the end of the
// body, and else what Refused returns for other requests.
func (c *Conn) ReadBody(p []byte, until time.Time) (int, error) {
	g, k := c.g, c.c
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if c.closed {
			return 0, net.ErrClosed
		}
		k.ready = true // bytes may have arrived whose event was not handled yet
		k.pour()
		n := k.in.Take(p)
		switch {
		case n > 0:
			return n, nil
		case k.refused != nil:
			return 0, k.refused
		case k.in.Done():
			return 0, io.EOF
		case passed(until):
			return 0, ErrTimeout
		}
		k.since = until.Add(-g.rules.Timeout) // makeRoom and reap look at it
		k.partial = true
		g.partial++
		c.wait()
		k.awake()
	}
}

// waitUnsent waits, in Write, until the client has taken enough of a stream's answer. g.mu
// is held.
func (c *Conn) waitUnsent() {
	k := c.c
	k.since = time.Now()
	k.unsent = true
	c.g.unsent++
	c.wait()
	k.awake()
}
