// Package gate keeps a worker from taking work that an idle sibling could do.
//
// All workers of a master accept from the same sockets. A worker that accepts
// whatever it finds serves it late while its siblings idle, and loses all of it
// when it crashes. So a connection is accepted only while the worker has a free
// place:
//
//	        accept            read would block         data arrives
//	queue ────────▶ place ───────────────────▶ waiting ────────────▶ place ─▶ …
//	        (only if one is free)                 (may exceed the number of places)
//
// A place is held by a connection that is being read, and by a request that
// computes or waits to compute. A connection that only waits (idle, its request
// still arriving, its answer delayed on purpose) holds a connection, not a
// place: a silent client costs nobody anything. There are as many places as
// requests may compute at once; those that came in beyond that compute in the
// order in which they asked. Kept connections bring their next requests without
// asking for a place; for each of these one waiting connection is accepted beyond
// the places, so that they do not keep others out. So is what makes the kernel's
// queue longer than half of what it holds: see crowd.go.
//
// A connection that is kept after an answer stays in the worker, or is parked
// with the master (package park) until its next request, which any worker may
// then take: see idle.go.
//
// The gate knows every connection, so it also does what a server's own shutdown
// cannot do without losing requests: Drain, in drain.go.
package gate

import (
	"container/list"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
)

// ErrGone says that the client has hung up, so nobody waits for the answer.
var ErrGone = errors.New("the client has gone")

// Options of a gate.
type Options struct {
	Places      int // requests that compute at the same time; at least 1
	Connections int // open connections at which accepting stops; at least 1

	// Sync makes a request keep its place while it waits on purpose, too: one
	// request at a time in every sense. Places is then 1.
	Sync bool

	// Limit, if not 0, is the number of requests beyond which Over reports
	// true. To be able to say so, the gate then accepts without a free place.
	Limit int

	// MaxRequests, if not 0, is the number of answered requests after which
	// Worn is called, once.
	MaxRequests int
	Worn        func()

	// Starved is called when nothing can be accepted because the process or the
	// machine is short of something, at most once in starvedQuiet.
	Starved func(error)

	Line *board.Line // where the worker's state is written; may be nil

	// Park, if not nil, is where idle connections are passed to the master. The
	// server must call Conn.Idle, and have nothing of a next request buffered
	// when it reads after that.
	Park *os.File
}

// Gate is the one keeper of a worker's connections and requests.
type Gate struct {
	o Options

	mu        sync.Mutex
	change    sync.Cond // a place or a connection became free, or the stage changed
	stage     stage
	leaving   bool
	last      bool // the service itself ends: connections cannot be parked any more
	active    int  // places held; may exceed o.Places, see above
	guest     bool // one connection more may be accepted, see Begin
	conns     map[*Conn]struct{}
	idle      int   // of conns, those that wait with nothing read of a request
	reaping   *Conn // an idle one that makes room for a new one
	listeners map[*listener]struct{}
	took      *listener       // the last to take a connection
	turn      *listener       // whose turn it is, nil if anybody's
	park      syscall.RawConn // nil: connections are not parked

	computing int
	waiting   list.List // of *Request, in the order in which they asked to compute
	running   list.List // of *Request, the one running longest first

	inflight int // requests begun and not ended
	counted  int // of those, the ones Limit counts
	answered int

	starved time.Time // Starved was called
}

type stage int

const (
	open     stage = iota
	emptying       // no more is wanted, but what waits in the queues is still accepted
	closed         // nothing is accepted any more
	hangUp         // idle connections are closed
)

// New makes a gate. It panics if o.Park is no open file.
func New(o Options) *Gate {
	o.Places = max(o.Places, 1)
	if o.Sync {
		o.Places = 1
	}
	o.Connections = max(o.Connections, 1)
	g := &Gate{o: o, conns: map[*Conn]struct{}{}, listeners: map[*listener]struct{}{}}
	g.change.L = &g.mu
	if o.Park != nil {
		var err error
		if g.park, err = o.Park.SyscallConn(); err != nil {
			panic(fmt.Sprintf("gate: parking connections: %v", err))
		}
	}
	return g
}

// Leave announces that the service is about to end. Requests are served as
// before; only whoever asks whether to send more is told not to.
func (g *Gate) Leave() {
	g.mu.Lock()
	g.leaving = true
	g.mu.Unlock()
}

// Leaving says whether Leave was called or the gate drains.
func (g *Gate) Leaving() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leaving || g.stage != open
}

// InFlight is the number of requests begun and not ended.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inflight
}

// mayAccept says whether one more connection may be accepted. g.mu is held.
func (g *Gate) mayAccept() bool {
	return len(g.conns) < g.o.Connections && g.placeFree()
}

// placeFree says whether a connection would get a place. g.mu is held.
func (g *Gate) placeFree() bool { return g.o.Limit > 0 || g.active < g.o.Places || g.guest }

// hold gives the connection a place. g.mu is held.
func (g *Gate) hold(c *Conn) {
	if !c.held && !c.closed {
		c.held = true
		g.active++
	}
}

// release takes the place back. g.mu is held.
func (g *Gate) release(c *Conn) {
	if c.held {
		c.held = false
		g.active--
		g.change.Broadcast()
	}
}

// starvedQuiet is the time between two calls of Starved.
const starvedQuiet = time.Minute

// starve tells that something is short.
func (g *Gate) starve(err error) {
	g.mu.Lock()
	now := time.Now()
	say := g.o.Starved != nil && now.Sub(g.starved) >= starvedQuiet
	if say {
		g.starved = now
	}
	g.mu.Unlock()
	if say {
		g.o.Starved(err)
	}
}
