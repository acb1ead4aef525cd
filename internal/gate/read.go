package gate

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// What a server reads instead of a request that could not be read, besides an
// *http1.Error.
var (
	// ErrTimeout says that the request did not arrive in Rules.Timeout.
	ErrTimeout = errors.New("the request did not arrive in time")

	// ErrMemory says that the request would need more than LimitBuffers.
	ErrMemory = errors.New("the worker has as many bytes of requests and answers as it may hold")
)

// fillReads bounds what is read of one connection before others have their turn,
// in pieces of scratch.
const fillReads = 4

// fill reads what has come, up to the end of a request. g.mu is held.
func (c *client) fill() {
	g := c.g
	for range fillReads {
		if c.state != reading || !c.ready {
			return
		}
		n, err := unix.Read(c.fd, g.scratch[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			c.ready = false
		case err != nil:
			if c.in.Begun() {
				c.refuse(err) // it was reset
			} else {
				c.forget()
			}
		case n == 0:
			c.ended = true
			if c.in.Begun() {
				c.refuse(io.ErrUnexpectedEOF)
			} else {
				c.forget()
			}
		default:
			if g.o.Line != nil {
				g.o.Line.Received(n)
			}
			// All that was there has been read. What comes is another event, and so is
			// the end, unless it came before.
			if n < len(g.scratch) && !c.hup {
				c.ready = false
			}
			c.took(g.scratch[:n])
		}
	}
	c.readAgain()
}

// readAgain has the gate come back to a connection without an event. g.mu is held.
func (c *client) readAgain() {
	if c.ready && !c.again {
		c.again = true
		c.g.again = append(c.g.again, c)
	}
}

// took adds what was read to the request. g.mu is held.
func (c *client) took(p []byte) {
	g := c.g
	begun := c.in.Begun()
	head := c.in.Head() != nil
	n, err := c.in.Write(p)
	if !begun && c.in.Begun() {
		c.since = time.Now()
		c.until = c.since.Add(g.rules.Timeout)
		c.awake()
		c.partial = true
		g.partial++
	}
	if err == nil && c.in.Done() {
		c.rest = append([]byte(nil), p[n:]...)
	}
	if c.account(); g.memory > int(g.o.LimitBuffers) && !g.makeRoom(c) {
		c.refuse(ErrMemory)
		return
	}
	if err == nil && !head && c.in.Head() != nil && !c.in.Done() && c.in.Head().Expect {
		if admit := g.rules.Admit; admit != nil && !admit(c.in.Head()) {
			c.in.Cut()
			c.closes, c.linger = true, true // the client may send the body all the same
		} else {
			c.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
	}
	switch {
	case err != nil:
		c.refuse(err)
	case c.in.Done():
		c.becomeWhole()
	}
}

// becomeWhole has a request wait for its place. g.mu is held.
func (c *client) becomeWhole() {
	g := c.g
	c.awake()
	c.state, c.until = waiting, time.Time{}
	c.whole = board.Now()
	c.count()
	if c.over { // it is only told so, which needs no place
		g.deliver(c)
		return
	}
	g.queue(&entry{c: c, whole: c.whole})
}

// count counts a request that is not answered. g.mu is held.
func (c *client) count() {
	g := c.g
	c.pending = true
	c.exempt = g.rules.Exempt != nil && g.rules.Exempt(c.in.Head())
	g.inflight++
	if !c.exempt {
		g.counted++
		c.over = g.o.LimitConcurrency > 0 && g.counted > g.o.LimitConcurrency
	}
	g.showInFlight()
}

// uncount ends that. g.mu is held.
func (c *client) uncount() {
	if !c.pending {
		return
	}
	c.pending, c.over = false, false
	c.g.inflight--
	if !c.exempt {
		c.g.counted--
	}
	c.g.showInFlight()
}

func (g *Gate) showInFlight() {
	if g.o.Line != nil {
		g.o.Line.InFlight(g.inflight)
	}
}

// refuse has the server say why what was read is no request that it may serve. That
// needs no place. g.mu is held.
func (c *client) refuse(err error) {
	c.awake()
	c.refused, c.closes, c.linger = err, true, true // it may still be sending
	if c.g.rules.Refusals && c.in.Head() != nil {
		c.in.Cut()
		c.asRequest = true
	} else {
		c.in.Reset()
	}
	c.rest = nil
	c.account()
	c.until = time.Time{}
	c.g.deliver(c)
}
