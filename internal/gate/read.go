package gate

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// The reasons for which the gate refuses a request, besides an *http1.Error and errors of
// the connection.
var (
	// ErrTimeout says that the request did not arrive within Rules.Timeout, or that it
	// was incomplete for more than a second while the gate needed its memory.
	ErrTimeout = errors.New("the request did not arrive in time")

	// ErrMemory says that the request would need more than LimitBuffers.
	ErrMemory = errors.New("the worker has as many bytes of requests and answers as it may hold")
)

// fillReads is how many times fill reads from one connection before others have their
// turn. A read takes at most 64 KiB, the size of Gate.scratch.
const fillReads = 4

// fill reads what has arrived on the connection, up to the end of a request. If it stops
// early because of fillReads, the gate reads on later. g.mu is held.
func (c *client) fill() {
	g := c.g
	for range fillReads {
		if c.state != reading || !c.ready {
			return
		}
		if c.header && !c.takeHeader() {
			continue
		}
		if c.secure != nil && !c.secure.open {
			c.secure.advance()
			return
		}
		n, err := c.read(g.scratch[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			c.ready = false
		case err != nil:
			if c.in.Begun() {
				c.refuse(err) // the connection was reset
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
			if g.o.Line != nil && c.secure == nil {
				g.o.Line.Received(n)
			}
			// A short read has taken all that was there. New bytes bring a new event, and
			// so does the end, unless its event has come already. A read of TLS returns
			// one record; it says when there is none.
			if n < len(g.scratch) && !c.hup && c.secure == nil {
				c.ready = false
			}
			c.took(g.scratch[:n])
		}
	}
	c.readAgain()
}

// readAgain makes look read from the connection again without a new event. g.mu is held.
func (c *client) readAgain() {
	if c.ready && !c.again {
		c.again = true
		c.g.again = append(c.g.again, c)
	}
}

// took adds the bytes p to the request. It also enforces LimitBuffers and answers
// Expect: 100-continue. g.mu is held.
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
	if h := c.in.Head(); err == nil && !head && h != nil {
		c.denied = g.rules.Permit != nil && !g.rules.Permit(h)
		switch {
		case c.in.Done():
		case c.denied, h.Expect && g.rules.Admit != nil && !g.rules.Admit(h):
			c.in.Cut()
			c.closes, c.linger = true, true // the client may still send the body
		case h.Expect:
			c.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
	}
	switch {
	case err != nil:
		c.refuse(err)
	case c.in.Streams():
		c.becomeStream()
	case c.in.Done():
		c.becomeWhole()
	}
}

// becomeWhole counts a request that has just become whole, and makes it wait for a place.
// g.mu is held.
func (c *client) becomeWhole() {
	g := c.g
	c.awake()
	c.until = time.Time{}
	c.whole = board.Now()
	c.count()
	if c.over || c.denied { // the server only refuses it, which needs no place
		g.deliver(c)
		return
	}
	c.wait()
}

// wait makes the request wait for a place. g.mu is held.
func (c *client) wait() {
	c.state = waiting
	size := c.in.BodySize()
	c.g.queue(&entry{c: c, whole: c.whole, due: c.g.dueAt(c.whole, size), size: size})
}

// count counts the request as not answered. g.mu is held.
func (c *client) count() {
	g := c.g
	c.pending = true
	c.exempt = c.denied || g.rules.Exempt != nil && g.rules.Exempt(c.in.Head())
	g.inflight++
	if !c.exempt {
		c.weight = 1
		g.counted++
		c.over = g.o.LimitConcurrency > 0 && g.counted > g.o.LimitConcurrency
	}
	g.showInFlight()
}

// uncount ends what count began. It does nothing if the request is not counted. g.mu is
// held.
func (c *client) uncount() {
	if !c.pending {
		return
	}
	c.pending, c.over = false, false
	c.g.inflight--
	if !c.exempt {
		c.g.counted -= c.weight
	}
	c.g.showInFlight()
}

func (g *Gate) showInFlight() {
	if g.o.Line != nil {
		g.o.Line.InFlight(g.inflight)
	}
}

// refuse gives the request to the server, which answers why it is refused: err. That
// needs no place. If err is ErrGone, the server gets the head in any case, and Enter fails.
// g.mu is held.
func (c *client) refuse(err error) {
	c.awake()
	c.refused, c.closes, c.linger = err, true, true // the client may still be sending
	if (c.g.rules.Refusals || err == ErrGone) && c.in.Head() != nil {
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
