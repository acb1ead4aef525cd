package gate

import (
	"container/list"
	"time"

	"golang.org/x/sys/unix"
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
// are left, lets interrupted computations go on, and gives requests to workers that can
// compute them sooner. g.mu is held.
func (g *Gate) proceed() {
	for {
		g.grant()
		g.takeIn()
		if !g.resume() {
			break
		}
	}
	g.pass()
	g.arm()
}

// grant gives free places to the requests that wait, in the order of next, up to the first
// one that was interrupted. g.mu is held.
func (g *Gate) grant() {
	for g.taken < g.o.Threads {
		e := g.next()
		if g.takeShared(e) {
			continue
		}
		if e == nil || e.list != &g.fifo {
			break
		}
		e.remove()
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

// resume gives a free place to an interrupted request if that is the next one. It reports
// whether it did, or grant can give the place to the next one. It comes after takeIn,
// because a connection in the kernel's queue may have a more urgent request. g.mu is held.
func (g *Gate) resume() bool {
	p := g.next()
	if p == nil || g.taken >= g.o.Threads {
		return false
	}
	if p.list == &g.fifo {
		return true
	}
	p.remove()
	g.taken++
	p.r.hold()
	g.showQueue()
	return true
}

// front returns the request that has waited for its first place and is due first, or nil
// if none waits. g.mu is held.
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
	insert(&g.fifo, e)
}

// insert puts a request into a list, behind those that are due before it or at the same
// time.
func insert(l *list.List, e *entry) {
	at := l.Back()
	for at != nil && at.Value.(*entry).due > e.due {
		at = at.Prev()
	}
	if e.list = l; at == nil {
		e.at = l.PushFront(e)
		return
	}
	e.at = l.InsertAfter(e, at)
}

// remove takes the request out of the list in which it waits.
func (e *entry) remove() { e.list.Remove(e.at) }

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
