package gate

import (
	"cmp"
	"container/list"
	"context"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
)

// A long computation does not keep a short one waiting. A recognizer asks between two
// pieces of its work whether it should go on (Request.While). The gate then looks for new
// requests. If one of them is at most half as long as the rest of the computation, that is
// interrupted, and the short one gets its place.
//
// Requests that wait to begin do so in the order of their due times. The due time is the
// time at which the request became whole, and stretch times the time that its computation
// takes. So a short text passes a long one, equal texts compute in the order in which they
// became whole, and every text has its turn: when it has waited for stretch times as long as
// it takes, no request that comes later begins before it, except those that interrupt another
// long one. The rule is known as earliest deadline
// first; deadlines that are proportional to the work bound the time in the queue by the work
// itself (Bender, Chakrabarti, Muthukrishnan: Flow and stretch metrics for scheduling
// continuous job streams, SODA 1998).
//
// A computation that has begun gets at least one part in stretch of the time, however many
// short requests come. That needs no estimate of how long it takes. The time before it began
// does not count: it may have waited for other long ones, and short ones need not wait
// because of that.
//
// An interrupted computation keeps its memory. Because a computation begins beside
// interrupted ones only if it is at most half as long as the rest of each of them, the
// longest one takes more than half of the memory of all that are interrupted for one place,
// however many requests come, and however wrong the estimates of their times are.
//
// A sync worker serves one request at a time, in the order in which they became whole.

const (
	// stretch is how many times longer than its own computation a text may have to wait
	// for shorter ones before it begins, and how many times longer it may then take.
	stretch = 8

	// perByte is the time that the gate assumes for a byte until it has measured it.
	// ner/spacy takes 1 µs with AVX-512, and up to 5 µs with AVX2.
	perByte = time.Microsecond

	// measured is the least size in bytes of a request whose time says how long a byte
	// takes. With smaller ones, other costs count more.
	measured = 4096
)

// dueAt returns the due time of a request with a body of size bytes of which no byte is
// computed.
func (g *Gate) dueAt(whole int64, size int) int64 {
	if g.o.Sync {
		return whole
	}
	return whole + stretch*int64(g.takes(size))
}

// takes returns how long the computation for size bytes takes. g.mu is held.
func (g *Gate) takes(size int) time.Duration { return time.Duration(float64(size) * g.pace) }

// owed reports whether the computation has been interrupted for so long that it has to go
// on: it has computed for less than one part in stretch of the time since it began. g.mu is
// held.
func (r *Request) owed() bool { return stretch*int64(r.soFar()) < board.Now()-r.from }

// soFar returns how long the present computation has taken. g.mu is held.
func (r *Request) soFar() time.Duration {
	if r.at == nil {
		return r.computed
	}
	return r.computed + time.Duration(board.Now()-r.started)
}

// remaining returns how many bytes are not computed. A computation that takes longer than its
// size says has as much left as it has taken too long, but never more than its size. So it is
// not taken to be almost done for as long as it computes. g.mu is held.
func (r *Request) remaining() int {
	left := math.Abs(float64(r.size) - float64(r.soFar())/r.g.pace)
	return max(int(min(left, float64(r.size))), r.size/leastLeft)
}

// left returns how many bytes of the request are not computed. g.mu is held.
func (e *entry) left() int {
	if e.begun {
		return e.r.remaining()
	}
	return e.size
}

// next returns the request that gets the next free place: of those that may begin now, the
// one that is due first, or else an interrupted one. next returns nil if none waits. g.mu is
// held.
func (g *Gate) next() (next *entry) {
	for _, l := range []*list.List{&g.paused, &g.fifo} {
		for at := l.Front(); at != nil; at = at.Next() {
			if e := at.Value.(*entry); !e.begun && g.fits(e.size) {
				if next == nil || e.due < next.due {
					next = e
				}
				break
			}
		}
	}
	if next == nil {
		return g.interrupted()
	}
	return next
}

// interrupted returns the interrupted request that goes on first: one that is owed its time,
// or else the one with the least left. It returns nil if none is interrupted. g.mu is held.
func (g *Gate) interrupted() (least *entry) {
	for at := g.paused.Front(); at != nil; at = at.Next() {
		p := at.Value.(*entry)
		switch {
		case !p.begun:
		case p.r.owed():
			return p
		case least == nil || p.left() < least.left():
			least = p
		}
	}
	return least
}

// fits reports whether a computation for size bytes may begin beside the interrupted ones.
// g.mu is held.
func (g *Gate) fits(size int) bool {
	for at := g.paused.Front(); at != nil; at = at.Next() {
		if p := at.Value.(*entry); p.begun && (!muchLess(size, p.left()) || p.r.owed()) {
			return false
		}
	}
	return true
}

// muchLess reports whether a computation for size bytes may interrupt one that has left
// bytes left.
func muchLess(size, left int) bool { return 2*size <= left }

// givesWay reports whether a request for size bytes may interrupt r. g.mu is held.
func (r *Request) givesWay(size int) bool {
	return muchLess(size, r.remaining()) && !r.owed() && r.g.fits(size)
}

// leastLeft is the least part of a request, one in so many, that is taken to be left. The time
// for a byte is only known on average.
const leastLeft = 16

// learn notes how long a complete computation for size bytes has taken. The due times of the
// requests that wait follow. g.mu is held.
func (g *Gate) learn(d time.Duration, size int) {
	if size < measured {
		return
	}
	g.pace += (float64(d)/float64(size) - g.pace) / 4
	for _, l := range []*list.List{&g.fifo, &g.paused} {
		all := make([]*entry, 0, l.Len())
		for at := l.Front(); at != nil; at = at.Next() {
			e := at.Value.(*entry)
			if !e.begun {
				e.due = g.dueAt(e.whole, e.size)
			}
			all = append(all, e)
		}
		slices.SortStableFunc(all, func(a, b *entry) int { return cmp.Compare(a.due, b.due) })
		l.Init()
		for _, e := range all {
			e.at = l.PushBack(e)
		}
	}
}

// Computed says that the present computation is complete, and that First, Next or Extra had
// the size of its text. Only then its time says how long a byte takes: a computation may also
// be cut off, and a body may have little text.
func (r *Request) Computed() {
	r.g.mu.Lock()
	r.complete = true
	r.g.mu.Unlock()
}

// While returns a context for the computation of the request. A recognizer calls its Err
// between two pieces of the computation. Err returns ErrGone when the client has gone. It
// waits while a more urgent request has the place.
func (r *Request) While(ctx context.Context) context.Context { return interruptible{ctx, r} }

type interruptible struct {
	context.Context
	r *Request
}

func (i interruptible) Err() error {
	if err := i.r.pause(); err != nil {
		return err
	}
	return i.Context.Err()
}

// lookEvery is the least time between two looks during a computation.
const lookEvery = 500 * time.Microsecond

// pause handles the events that have happened, and waits while a more urgent request has
// the place. It does nothing if the last look was less than lookEvery ago. It returns
// ErrGone if the client has gone.
func (r *Request) pause() error {
	g := r.g
	if board.Now()-g.looked.Load() < int64(lookEvery) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return nil
	}
	r.pauses = true
	g.look()
	g.looked.Store(board.Now())
	if r.left() {
		return ErrGone
	}
	if g.o.Sync || !r.holds() || !r.shouldWait() {
		return nil
	}
	r.computed = r.soFar()
	r.rest()
	r.turn = make(chan struct{})
	insert(&g.paused, &entry{r: r, size: r.size, begun: true})
	r.release()
	g.proceed()
	g.mu.Unlock()
	<-r.turn
	g.mu.Lock()
	r.run()
	if !r.holds() || r.left() {
		return ErrGone
	}
	return nil
}

// shouldWait reports whether another request should have the place of the computation: an
// interrupted one that is owed its time or has much less left, or one that waits here or in the
// pair. g.mu is held.
func (r *Request) shouldWait() bool {
	if p := r.g.interrupted(); p != nil && !r.owed() && (p.r.owed() || muchLess(p.left(), r.remaining())) {
		return true
	}
	return r.givesWayHere() || r.g.pairPasses(r)
}

// givesWayHere reports whether a request that waits in this worker may interrupt r. g.mu is
// held.
func (r *Request) givesWayHere() bool {
	for at := r.g.fifo.Front(); at != nil; at = at.Next() {
		if r.givesWay(at.Value.(*entry).size) {
			return true
		}
	}
	return false
}

// worthwhile is how long a computation has to take, by its size, so that the gate accepts
// connections for requests that may interrupt it. It also does when the computation has taken
// stretch times as long. What is accepted is lost if the worker
// dies, and an idle worker can no longer take it from the kernel's queue.
const worthwhile = 5 * time.Millisecond

// yields reports whether the gate may accept a connection although all places are taken:
// a long computation that can be interrupted holds one of them, and no request waits that
// may interrupt it. g.mu is held.
func (g *Gate) yields() bool {
	if g.o.Sync {
		return false
	}
	for at := g.running.Front(); at != nil; at = at.Next() {
		r := at.Value.(*Request)
		long := g.takes(r.size) >= worthwhile || r.soFar() >= stretch*worthwhile
		if long && r.pauses && r.holds() && !r.owed() && !r.givesWayHere() {
			return true
		}
	}
	return false
}

// left reports whether the client has left: it has closed its connection, or has not taken
// what was sent. A client that has closed only its sending side still waits for its answer.
// Over TCP both look the same at first. So left sends 100 Continue, which every client of
// HTTP/1.1 accepts at any time before an answer (RFC 9110, 15.2). If the client has closed
// the connection, its system answers with a reset. A client of HTTP/1.0 does not know 100
// Continue, so it counts as there. g.mu is held.
func (r *Request) left() bool {
	if r.parent != nil {
		return r.parent.left()
	}
	if r.c == nil {
		return false
	}
	k := r.c.c
	if r.c.closed || k.failed != nil {
		return true
	}
	if !k.hungUp() {
		return false
	}
	if h := k.in.Head(); !k.asked && !r.c.wrote && h != nil && h.Minor > 0 && !k.broken() {
		k.asked = true
		k.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	return k.failed != nil || k.broken()
}

// broken reports whether the connection is closed in both directions. g.mu is held.
func (c *client) broken() bool {
	p := []unix.PollFd{{Fd: int32(c.fd)}}
	_, err := unix.Poll(p, 0)
	return err == nil && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
