package gate

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/park"
)

// settle is called when nothing more can be read for now. At a boundary the
// connection goes to the master, if it can. g.mu is held.
func (c *client) settle() {
	g := c.g
	if c.in.Begun() || c.resting {
		return
	}
	if c.leave() {
		return
	}
	if g.stage == hangUp {
		c.forget()
		return
	}
	c.resting = true
	g.idle++
}

// awake is the end of waiting for the client. g.mu is held.
func (c *client) awake() {
	if c.resting {
		c.resting = false
		c.g.idle--
	}
	if c.partial {
		c.partial = false
		c.g.partial--
	}
	if c.unsent {
		c.unsent = false
		c.g.unsent--
	}
}

// leave parks the connection, and reports whether that was possible. If not it
// stays here, as it would without parking. g.mu is held.
func (c *client) leave() bool {
	g := c.g
	if g.o.Park == nil || g.last || c.shed || len(c.out) > 0 || len(c.rest) > 0 {
		return false
	}
	var left time.Duration
	if !c.until.IsZero() {
		if left = time.Until(c.until); left <= 0 {
			return false
		}
	}
	if park.Pass(g.parkFD, c.fd, left) != nil {
		return false
	}
	c.forget()
	return true
}

// mayReap says whether a connection without a whole request may be closed to
// accept another: at the limit of connections or of memory, with a place free. One
// that lingers after its last answer is such a connection, too.
// g.mu is held.
func (g *Gate) mayReap() bool {
	full := len(g.clients) >= g.o.WorkerConnections || g.memory >= int(g.o.LimitBuffers)
	return full && g.idle+g.partial+g.unsent > 0 && g.placeFree()
}

// reap closes a connection to make room, and reports whether there was one to close.
// First come those that wait for a head or linger, then those whose body is on its
// way, then those that have taken nothing of their answer; of each the one that has
// been so for longest. Whoever has been so for less than stalled comes last: the
// request of one that has just connected is on its way. g.mu is held.
func (g *Gate) reap() bool {
	now := time.Now()
	rank := func(c *client) int {
		switch {
		case now.Sub(c.since) < stalled:
			return 3
		case c.state == flushing:
			return 2
		case c.state == reading && c.in.Head() != nil:
			return 1
		}
		return 0
	}
	var longest *client
	for _, c := range g.clients {
		switch {
		case c.state == reading, c.state == lingering, c.state == flushing && now.Sub(c.since) >= stalled:
		default:
			continue
		}
		if longest == nil || rank(c) < rank(longest) || rank(c) == rank(longest) && c.since.Before(longest.since) {
			longest = c
		}
	}
	if longest == nil {
		return false
	}
	longest.ready = true // a request may have come whose event was not looked at
	if longest.fill(); longest.state == reading || longest.state == lingering || longest.state == flushing {
		longest.forget()
	}
	return true
}
