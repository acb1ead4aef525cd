package gate

import (
	"runtime/debug"
	"time"
)

// account updates g.memory by what the client holds now. g.mu is held.
func (c *client) account() {
	m := 0
	if c.state != gone {
		m = c.in.Size() + cap(c.rest) + c.outSize + c.held
	}
	g := c.g
	if m < c.memory {
		g.release.freed += c.memory - m
	}
	g.memory += m - c.memory
	c.memory = m
}

// stalled is how long a request must have been incomplete, or an answer not taken, before
// the gate ends it to make room for others.
const stalled = time.Second

// makeRoom ends stalled requests and answers, the oldest first, until g.memory is at most
// LimitBuffers. It returns false if none is left that it may end. It never ends c itself.
// g.mu is held.
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
		case longest.stream && longest.unsent:
			longest.awake()
			longest.fail(errTookTooLong)
		case longest.stream:
			longest.endStream(ErrTimeout)
		case longest.unsent:
			longest.forget()
		default:
			longest.refuse(ErrTimeout)
		}
	}
	return true
}

// release says when to return memory of requests to the system. The runtime alone would
// keep it for minutes.
type release struct {
	freed int       // bytes that clients have freed since last
	last  time.Time // when memory was last returned
}

const (
	releaseMin   = 4 << 20     // bytes that must be freed
	releaseEvery = time.Second // least time between two returns; times five while a request computes
)

func (r *release) due() bool { return r.freed >= releaseMin }

// giveBack returns freed memory to the system if enough was freed, the gate holds no more
// than that, and the last return is long enough ago. g.mu is held.
func (g *Gate) giveBack(now time.Time) {
	r := &g.release
	if !r.due() || g.memory > r.freed || now.Sub(r.last) < releaseEvery || g.taken > 0 && now.Sub(r.last) < 5*releaseEvery {
		return
	}
	r.freed, r.last = 0, now
	go debug.FreeOSMemory()
}
