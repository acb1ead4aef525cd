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

// awake is the end of waiting for a whole request. g.mu is held.
func (c *client) awake() {
	if c.resting {
		c.resting = false
		c.g.idle--
	}
	if c.partial {
		c.partial = false
		c.g.partial--
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
	full := len(g.clients) >= g.o.Connections || g.memory >= g.o.Memory
	return full && g.idle+g.partial > 0 && g.placeFree()
}

// reap closes the connection that has been without a whole request for longest: of
// those that wait for a head, if there are any, else of those whose body is on its
// way. It reports whether one was closed. g.mu is held.
func (g *Gate) reap() bool {
	var longest *client
	rank := func(c *client) int {
		if c.in.Head() != nil {
			return 1
		}
		return 0
	}
	for _, c := range g.clients {
		if c.state != reading && c.state != lingering {
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
	if longest.fill(); longest.state == reading || longest.state == lingering {
		longest.forget()
	}
	return true
}
