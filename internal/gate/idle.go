package gate

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/park"
)

// Between two requests a connection is idle. What may be done with it then must
// not be done a moment later, when part of a request has been read.

// Idle says that the answer was written and that the server, if it reads now,
// has nothing of a next request in its buffers. fasthttp and net/http say so by
// their ConnState hook.
func (c *Conn) Idle() {
	c.g.mu.Lock()
	c.handled = true
	c.atBoundary()
	c.g.mu.Unlock()
}

// Active says that the server has begun with another request, be it one that
// was in its buffers.
func (c *Conn) Active() {
	c.g.mu.Lock()
	c.boundary = false
	c.g.mu.Unlock()
}

// atBoundary notes that an answer was written whole. g.mu is held.
func (c *Conn) atBoundary() {
	c.boundary, c.served, c.since = true, true, time.Now()
}

// yield is called when a Read begins. A connection on which one request
// follows the other would keep its worker from everybody else's, or from
// leaving: when others wait it is parked, and comes back in its turn, here or
// elsewhere. It reports whether it was.
func (c *Conn) yield(fd int) bool {
	g := c.g
	if g.park == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return c.boundary && c.served && !c.busy && (g.stage >= closed || g.othersWait()) && c.leave(fd)
}

// othersWait says whether a connection waits to be accepted or taken. g.mu is held.
func (g *Gate) othersWait() bool {
	for l := range g.listeners {
		if l.readable() {
			return true
		}
	}
	return false
}

// rest is called when a Read is about to wait: the place is given back, unless
// the handler is at work and this is the server listening for a hang-up. It
// reports whether the worker is done with the connection.
func (c *Conn) rest(fd int) bool {
	g := c.g
	g.mu.Lock()
	defer g.mu.Unlock()
	c.waiting = true
	if c.busy {
		return false
	}
	g.release(c)
	if !c.boundary {
		return false
	}
	if c.leave(fd) || g.stage == hangUp || c.reaped {
		return true
	}
	if !c.resting {
		c.resting = true
		g.idle++
		if len(g.conns) >= g.o.Connections {
			g.change.Broadcast() // it may make room
		}
	}
	return false
}

// awake is the end of rest. g.mu is held.
func (c *Conn) awake() {
	c.waiting = false
	if c.resting {
		c.resting = false
		c.g.idle--
	}
}

// leave parks the connection, and reports whether that was possible. If not it
// stays here, as it would without parking. g.mu is held.
func (c *Conn) leave(fd int) bool {
	if c.g.park == nil || c.g.last || c.shed {
		return false
	}
	var left time.Duration
	if !c.deadline.IsZero() {
		if left = time.Until(c.deadline); left <= 0 {
			return false
		}
	}
	var err error
	if cerr := c.g.park.Control(func(end uintptr) { err = park.Pass(int(end), fd, left) }); cerr != nil || err != nil {
		return false
	}
	c.g.release(c)
	c.closed = true // no place any more; what the server does is let go of it
	return true
}

// Rebalance has every connection closed with its next answer, so that clients
// connect anew and a worker that has just come gets its part of them.
func (g *Gate) Rebalance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.shed = true
	}
}

// mayReap says whether an idle connection may be closed to accept another: at
// the limit of connections, with a place free. g.mu is held.
func (g *Gate) mayReap() bool {
	return len(g.conns) >= g.o.Connections && g.idle > 0 && g.reaping == nil && g.placeFree()
}

// reap has the connection closed that has been idle longest. Its Read looks
// once more whether a request has arrived. g.mu is held.
func (g *Gate) reap() {
	for c := range g.conns {
		if c.resting && (g.reaping == nil || c.since.Before(g.reaping.since)) {
			g.reaping = c
		}
	}
	if c := g.reaping; c != nil {
		c.reaped = true
		_ = c.file.SetReadDeadline(time.Now()) // it may be closed already
	}
}

// hungUp looks without waiting and without reading.
func hungUp(fd int) bool {
	_, gone := park.Look(fd)
	return gone
}
