package gate

import (
	"runtime/debug"
	"time"
)

// account counts the memory that a client holds. g.mu is held.
func (c *client) account() {
	m := 0
	if c.state != gone {
		m = c.in.Size() + cap(c.rest) + c.outSize
	}
	g := c.g
	if m < c.memory {
		g.release.freed += c.memory - m
	}
	g.memory += m - c.memory
	c.memory = m
}

// stalled is how long a request must have been incomplete, or an answer not taken,
// before it makes room for others.
const stalled = time.Second

// makeRoom ends requests that have been incomplete, and answers that have not been
// taken, for long, the longest first, until the bound of memory holds again. It never
// ends c itself. g.mu is held.
func (g *Gate) makeRoom(c *client) bool {
	now := time.Now()
	for g.memory > int(g.o.LimitBuffers) {
		var longest *client
		for _, o := range g.clients {
			if o != c && (o.partial || o.unsent) && o.memory > 0 && (longest == nil || o.since.Before(longest.since)) {
				longest = o
			}
		}
		switch {
		case longest == nil || now.Sub(longest.since) < stalled:
			return false
		case longest.unsent:
			longest.forget()
		default:
			longest.refuse(ErrTimeout)
		}
	}
	return true
}

// release returns memory to the system after it was needed for requests. The
// runtime alone would keep it for minutes.
type release struct {
	freed int       // bytes that clients gave back since the last time
	last  time.Time // the last time
}

const (
	releaseMin   = 4 << 20
	releaseEvery = time.Second
)

func (r *release) due() bool { return r.freed >= releaseMin }

// giveBack does so when the gate holds less than it has freed. g.mu is held.
func (g *Gate) giveBack(now time.Time) {
	r := &g.release
	if !r.due() || g.memory > r.freed || now.Sub(r.last) < releaseEvery || g.taken > 0 && now.Sub(r.last) < 5*releaseEvery {
		return
	}
	r.freed, r.last = 0, now
	go debug.FreeOSMemory()
}
