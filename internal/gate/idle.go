package gate

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/park"
)

// settle is called when nothing more can be read for now. If no request has begun, it
// parks the connection, or closes it in stage hangUp, or counts it as idle. g.mu is held.
func (c *client) settle() {
	g := c.g
	if c.in.Begun() || c.resting || c.shakes() {
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

// awake takes the client out of the counts of those that wait: idle, partial and unsent.
// g.mu is held.
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

// leave parks the connection, and reports whether that was possible. If it was not, the
// connection stays in this worker. A connection with a PROXY header stays: the address in
// the header would be lost. So does a connection of TLS. g.mu is held.
func (c *client) leave() bool {
	g := c.g
	if g.o.Park == nil || g.last || c.shed || len(c.out) > 0 || len(c.rest) > 0 || c.header || c.proxied || c.secure != nil {
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

// mayReap reports whether reap may close a connection so that another can be accepted. It
// may at WorkerConnections or LimitBuffers, if a place is free, and if some client is
// idle, lingers, has sent only a part of a request, or has not taken all of its answer.
// g.mu is held.
func (g *Gate) mayReap() bool {
	full := len(g.clients) >= g.o.WorkerConnections || g.memory >= int(g.o.LimitBuffers)
	return full && g.idle+g.partial+g.unsent > 0 && g.placeFree()
}

// reap closes a connection to make room. It returns false if there is none that it may
// close. It prefers a client that has sent no whole head or lingers, then one whose body
// is on its way, then one that has taken nothing of its answer for at least stalled. Of
// several it takes the one that has waited for longest. A client that has waited for less
// than stalled comes last, because its request may be on its way. If a request has just
// arrived on the connection, reap does not close it. g.mu is held.
func (g *Gate) reap() bool {
	now := time.Now()
	rank := func(c *client) int {
		switch {
		case now.Sub(c.since) < stalled:
			return 3
		case c.state == flushing, c.stream && c.unsent:
			return 2
		case c.state == reading && c.in.Head() != nil, c.stream:
			return 1
		}
		return 0
	}
	var longest *client
	for _, c := range g.clients {
		switch {
		case c.stream && (c.partial || c.unsent) && now.Sub(c.since) >= stalled:
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
	if longest.stream { // its server closes it, and then makes room
		if longest.unsent {
			longest.awake()
			longest.fail(errTookTooLong)
		} else {
			longest.endStream(ErrTimeout)
		}
		return false
	}
	longest.ready = true // a request may have arrived whose event was not handled yet
	if longest.fill(); longest.state == reading || longest.state == lingering || longest.state == flushing {
		longest.forget()
	}
	return true
}
