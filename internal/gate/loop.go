package gate

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// wait handles events until the gate has ended. Then it closes the epoll set.
func (g *Gate) wait() {
	_ = g.rset.Read(func(uintptr) bool { // Read returns when finish sets a deadline
		g.mu.Lock()
		defer g.mu.Unlock()
		for !g.closing && g.look() {
		}
		return g.closing
	})
	g.set.Close()
}

// lookEvery is the least time between two looks of Look.
const lookEvery = 500 * time.Microsecond

// Look handles the events that have happened since the last look. A request that computes
// for more than a millisecond should call it now and then. It does nothing if the last
// call was less than lookEvery ago.
func (g *Gate) Look() {
	now := board.Now()
	if now-g.looked.Load() < int64(lookEvery) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closing {
		g.look()
		g.looked.Store(board.Now())
	}
}

// look handles the events that have happened. It does not wait. It reports whether there
// may be more. g.mu is held.
func (g *Gate) look() bool {
	n, err := unix.EpollWait(g.ep, g.events[:], 0)
	if err != nil {
		n = 0
	}
	for _, e := range g.events[:n] {
		if c := g.clients[int(e.Fd)]; c != nil {
			c.event(e.Events)
		} else if s := g.sources[int(e.Fd)]; s != nil {
			s.ready = true
		}
	}
	more := g.again
	g.again = nil
	for _, c := range more {
		c.again = false
		switch c.state {
		case reading:
			if c.fill(); c.state == reading && !c.again {
				c.settle()
			}
		case lingering:
			c.discard()
		}
	}
	g.proceed()
	return n == len(g.events) || len(g.again) > 0
}

// proceed gives free places to requests that wait, takes connections for the places that
// are left, and gives requests to workers that can compute them sooner. g.mu is held.
func (g *Gate) proceed() {
	g.grant()
	g.takeIn()
	g.pass()
	g.arm()
}

// grant gives free places to requests in the order in which they became whole. g.mu is
// held.
func (g *Gate) grant() {
	for g.taken < g.o.Threads {
		e := g.front()
		if g.takeShared(e) {
			continue
		}
		if e == nil {
			break
		}
		g.fifo.Remove(g.fifo.Front())
		g.taken++
		if e.r != nil {
			e.r.hold()
			continue
		}
		e.c.place = true
		// A kept connection brings its next request without an accept. So kept
		// connections could hold all places for ever. For each such request the gate
		// accepts one new connection, if one waits. Its request and those of kept
		// connections then get places in the same order.
		if e.c.row > 0 {
			g.guest = true
		}
		g.deliver(e.c)
	}
	g.showQueue()
}

// front returns the first request of the queue, or nil if none waits. g.mu is held.
func (g *Gate) front() *entry {
	if f := g.fifo.Front(); f != nil {
		return f.Value.(*entry)
	}
	return nil
}

// queue makes a request wait for a place. g.mu is held.
func (g *Gate) queue(e *entry) {
	if e.c != nil {
		e.c.waited = g.taken >= g.o.Threads || g.fifo.Len() > 0
	}
	g.fifo.PushBack(e)
}

// deliver makes Accept return the client. g.mu is held.
func (g *Gate) deliver(c *client) {
	c.state = serving
	g.ready = append(g.ready, c)
	g.granted.Signal()
}

// free gives a place back. g.mu is held.
func (g *Gate) free() {
	g.taken--
	g.change.Broadcast()
}

// The times after which tick runs. The shortest one that applies counts.
const (
	tickEvery = 100 * time.Millisecond // while clients are open or memory is to be returned
	tickSoon  = 10 * time.Millisecond  // while a drain empties the queues, or a source was short
	tickShare = 2 * time.Millisecond   // while a request waits and there are other workers
	tickMore  = time.Millisecond       // while there may be connections to take
)

// arm sets the timer of tick if there is a reason. g.mu is held.
func (g *Gate) arm() {
	var in time.Duration
	switch {
	case g.closing:
		return
	case g.more:
		in = tickMore
	case g.fifo.Len() > 0 && len(g.share.siblings) > 0:
		in = tickShare
	case g.stage == emptying || g.short():
		in = tickSoon
	case len(g.clients) > 0 || g.release.due():
		in = tickEvery
	default:
		return
	}
	if g.tickIn == 0 || in < g.tickIn {
		g.tickIn = in
		g.timer.Reset(in)
	}
}

// tick does what no event announces: it applies deadlines, tries again what was short,
// ends a drain, and returns memory. The timer calls it.
func (g *Gate) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tickIn = 0
	if g.closing {
		return
	}
	now := time.Now()
	if now.Sub(g.ticked) >= tickEvery-tickSoon {
		g.ticked = now
		for _, c := range g.clients {
			c.expire(now)
		}
	}
	for _, s := range g.sources {
		s.short = false
	}
	g.look()
	g.emptied(now)
	if g.endStopped(); g.closing {
		return
	}
	g.giveBack(now)
	g.arm()
}

// short reports whether a source failed when it was last asked, for example because the
// process has no descriptor left. g.mu is held.
func (g *Gate) short() bool {
	for _, s := range g.sources {
		if s.short {
			return true
		}
	}
	return false
}
