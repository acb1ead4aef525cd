package gate

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// wait waits for events until the gate is closed.
func (g *Gate) wait() {
	_ = g.rset.Read(func(uintptr) bool { // it ends when finish sets a deadline
		g.mu.Lock()
		defer g.mu.Unlock()
		for !g.closing && g.look() {
		}
		return g.closing
	})
	g.set.Close()
}

// lookEvery is how often a computation looks at most.
const lookEvery = 500 * time.Microsecond

// Look has the gate see what has come meanwhile. A request that computes for
// more than a millisecond calls it now and then.
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

// look handles what has happened, without waiting, and says whether there is more.
// g.mu is held.
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

// proceed does what has become possible: it gives places to those who wait, takes
// connections for the places that are left, and passes on what a sibling can do
// sooner. g.mu is held.
func (g *Gate) proceed() {
	g.grant()
	g.takeIn()
	g.pass()
	g.arm()
}

// grant gives free places in the order in which requests became whole. g.mu is held.
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
		// Kept connections need no accept to bring their next request, so they
		// could hold all places for ever. For each such request one newcomer is
		// let in, if one waits; both then wait for their turn alike.
		if e.c.row > 0 {
			g.guest = true
		}
		g.deliver(e.c)
	}
	g.showQueue()
}

// front is the first of the queue, nil if nobody waits. g.mu is held.
func (g *Gate) front() *entry {
	if f := g.fifo.Front(); f != nil {
		return f.Value.(*entry)
	}
	return nil
}

// queue makes a client wait for a place. g.mu is held.
func (g *Gate) queue(e *entry) {
	if e.c != nil {
		e.c.waited = g.taken >= g.o.Threads || g.fifo.Len() > 0
	}
	g.fifo.PushBack(e)
}

// deliver hands a client to Accept. g.mu is held.
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

// tickEvery is how often times are looked at while there are any.
const (
	tickEvery = 100 * time.Millisecond
	tickSoon  = 10 * time.Millisecond // while a drain or a shortage waits
	tickShare = 2 * time.Millisecond  // while a request waits that a sibling may be free for
	tickMore  = time.Millisecond      // while there may be connections to take
)

// arm has tick called if there is a reason. g.mu is held.
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

// short says whether something was short when a source was asked. g.mu is held.
func (g *Gate) short() bool {
	for _, s := range g.sources {
		if s.short {
			return true
		}
	}
	return false
}
