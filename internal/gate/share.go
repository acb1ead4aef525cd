package gate

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// No whole request waits for a busy worker while another worker idles: the request moves
// to the idle worker. All workers of a master hold both ends of one SOCK_SEQPACKET pair.
// When a worker has a request that waits, and sees on the scoreboard that another worker
// is idle, it puts the connection (SCM_RIGHTS) and the bytes read from it into the pair.
// The worker that first has a free place takes them out. That may be the giver itself.
//
// A worker also gives its oldest request when another worker is ahead. A worker is ahead
// if its oldest waiting request became whole later, by at least half the mean time of a
// computation. If no request waits there, this worker's request must have waited as long.
// So clients that keep connections get about equal shares, even if the processors are not
// equally fast. Such a request goes into the pair only if it is the first one there: what is
// due later is taken out and waits in this worker (clearPair). A worker takes a request from
// the pair only if it is due before its own first one (interrupt.go). So all workers together
// serve requests in about the order of their due times.
//
// A sync worker gives away every request that has to wait. So its crash costs only the
// request that it computes. The pair holds only some large requests, see pairTakesLarge.

// share is what the gate needs to give requests to other workers and to take theirs.
type share struct {
	file     *os.File // the end to give to; nil: Share was not called
	fd       int      // descriptor of file
	source   *source  // the end to take from
	board    *board.Board
	siblings []sibling     // the other workers that serve
	counted  time.Time     // when siblings was made
	mean     time.Duration // moving average of this worker's computations
	idle     int64         // since when this worker is idle, on the scoreboard's clock; 0: it is not
}

// sibling is another worker of the same master.
type sibling struct {
	line *board.Line
	gave int64 // when a request was last given for it, on the scoreboard's clock
}

// Share adds the pair on which workers give requests to each other. give and take are its
// two ends. The files belong to the gate from then on. Options.Line must be a line of b.
func (g *Gate) Share(b *board.Board, give, take *os.File) error {
	rc, err := give.SyscallConn()
	if err != nil {
		return fmt.Errorf("pass requests between workers: %w", err)
	}
	fd := -1
	if err := rc.Control(func(f uintptr) { fd = int(f) }); err != nil {
		return fmt.Errorf("pass requests between workers: %w", err)
	}
	g.mu.Lock()
	g.share.board, g.share.file, g.share.fd = b, give, fd
	g.mu.Unlock()
	return g.add(take, fromShare)
}

// took adds the time of a computation to the mean. g.mu is held.
func (s *share) took(d time.Duration) {
	if s.mean == 0 {
		s.mean = d
	}
	s.mean += (d - s.mean) / 8
}

const (
	siblingsEvery = 500 * time.Millisecond // how often the scoreboard is searched for other workers
	siblingAlive  = 2 * time.Second        // a worker whose last beat is older does not serve
	giveEvery     = time.Millisecond       // least time between two requests for the same idle worker
	ahead         = time.Millisecond       // least value for half the mean of a computation, see above
)

// others returns the other workers that served at the last search, at most siblingsEvery
// ago. g.mu is held.
func (g *Gate) others() []sibling {
	s := &g.share
	if s.board == nil {
		return nil
	}
	if now := time.Now(); now.Sub(s.counted) >= siblingsEvery {
		s.counted, s.siblings = now, s.siblings[:0]
		for i := range board.Lines {
			if l := s.board.Line(i); l != g.o.Line && l.Serves(siblingAlive) {
				s.siblings = append(s.siblings, sibling{line: l})
			}
		}
	}
	return s.siblings
}

// serving reports whether one of the others serves at this moment. g.mu is held.
func (g *Gate) serving(others []sibling) bool {
	for _, o := range others {
		if o.line.Serves(siblingAlive) {
			return true
		}
	}
	return false
}

// pass gives requests to workers that can compute them sooner. g.mu is held.
func (g *Gate) pass() {
	s := &g.share
	if s.file == nil || g.fifo.Len() == 0 {
		return
	}
	others := g.others()
	if g.o.Sync {
		for g.serving(others) && g.giveOldest() {
		}
		g.showQueue()
		return
	}
	now := board.Now()
	for i := range others {
		o := &others[i]
		idle, oldest := o.line.Queue()
		wait := int64(giveEvery)
		if !idle {
			if oldest == 0 { // the other worker computes, and no request waits for it
				oldest = now
			}
			wait = int64(max(s.mean/2, ahead))
			if e := g.front(); e == nil || oldest-e.whole < wait {
				continue
			}
		}
		if now-o.gave < wait || !o.line.Serves(siblingAlive) {
			continue
		}
		if !idle && !g.clearPair(g.front()) {
			continue
		}
		if !g.giveOldest() {
			break
		}
		o.gave = now
	}
	g.showQueue()
}

// clearPair reports whether the pair is empty, so that e would be the first request there. It
// takes out requests that are due after e, and lets them wait here. A worker that computes
// looks only at the first request in the pair, and behind a long one e would wait for that.
// g.mu is held.
func (g *Gate) clearPair(e *entry) bool {
	s := g.share.source
	for s != nil {
		whole, size, ok := s.peek()
		if !ok {
			break
		}
		if g.dueAt(whole, size) <= g.dueAt(e.whole, e.size) || !g.takeAside() {
			return false
		}
	}
	return true
}

// takeAside takes the first request out of the pair and lets it wait here, and reports
// whether it could. g.mu is held.
func (g *Gate) takeAside() bool {
	if !g.begun || g.stage >= closed || len(g.clients) >= g.o.WorkerConnections || !g.roomy() {
		return false
	}
	c, err := g.takeOut(g.share.source.fd)
	if err != nil {
		return false
	}
	c.wait()
	return true
}

// giveOldest gives away the oldest request that may move, and reports whether it could.
// A request stays if the server has it already, if its connection ends after it (another
// worker would read on), if it came by TLS, or if it is large and the pair has no room for
// large ones. g.mu is held.
func (g *Gate) giveOldest() bool {
	for e := g.fifo.Front(); e != nil; e = e.Next() {
		c := e.Value.(*entry).c
		if c == nil || c.closes || c.secure != nil || c.in.Size()+len(c.rest) > inline && !g.pairTakesLarge() {
			continue
		}
		if !c.give() {
			return false
		}
		g.fifo.Remove(e)
		return true
	}
	return false
}

// pairPasses reports whether the first request in the pair may interrupt r: if all workers
// compute, it would wait until one of them has a free place. If the first one may not, is
// long and not the only one, it is put aside: two workers that gave at the same moment may have
// put it before a short one. g.mu is held.
func (g *Gate) pairPasses(r *Request) bool {
	s := g.share.source
	for s != nil && s.ready && !s.short {
		_, size, ok := s.peek()
		switch {
		case !ok:
			return false
		case r.givesWay(size):
			return true
		case g.takes(size) < worthwhile || !s.several() || !g.takeAside():
			return false
		}
	}
	return false
}

// takeShared takes a request from the pair and gives it a place, and reports whether it
// did. It does not if the request may not begin now, or is due after e, the next one in this
// worker; e may be nil. At WorkerConnections it closes another connection first. g.mu is held.
func (g *Gate) takeShared(e *entry) bool {
	s := g.share.source
	// Nothing is taken before Begin, without a pair, when the pair is empty (not ready),
	// when descriptors or memory ran out (short), or when this worker accepts no more and
	// another worker serves.
	if !g.begun || s == nil || !s.ready || s.short || g.stage >= closed && g.serving(g.others()) {
		return false
	}
	whole, size, ok := s.peek()
	if !ok || !g.fits(size) || e != nil && !e.begun && e.due <= g.dueAt(whole, size) {
		return false
	}
	for len(g.clients) >= g.o.WorkerConnections {
		if g.idle+g.partial+g.unsent == 0 || !g.reap() {
			return false
		}
	}
	c, err := g.takeOut(s.fd)
	switch {
	case errors.Is(err, unix.EAGAIN): // another worker was faster
		s.ready = false
		return false
	case err != nil:
		s.short = true // more requests may be in the pair: tick tries again
		g.starve(err)
		return false
	}
	if since := g.share.idle; since != 0 && g.o.Line != nil {
		g.o.Line.Missed(time.Duration(board.Now() - max(since, c.whole)))
	}
	c.place, c.waited = true, true
	g.taken++
	g.deliver(c)
	return true
}

// showQueue writes on the scoreboard what other workers need to know: whether this worker
// is idle, how many requests wait, and since when the oldest of them waits. g.mu is held.
func (g *Gate) showQueue() {
	idle := g.taken < g.o.Threads && g.fifo.Len() == 0 && g.paused.Len() == 0 && g.stage == open
	if idle != (g.share.idle != 0) {
		g.share.idle = 0
		if idle {
			g.share.idle = board.Now()
		}
	}
	if g.o.Line != nil {
		var oldest int64
		if e := g.front(); e != nil {
			oldest = e.whole
		}
		g.o.Line.ShowQueue(idle, g.taken, g.fifo.Len(), oldest)
	}
}

// left reports whether a leaving worker still has to take requests from the pair. It has
// to if no other worker serves: a worker that leaves at the same time may have put them
// there. g.mu is held.
func (g *Gate) left() bool {
	s := g.share.source
	g.share.counted = time.Time{} // search again: another worker may serve by now
	if s == nil || g.serving(g.others()) {
		return false
	}
	s.ready = true
	g.proceed()
	return s.ready
}
