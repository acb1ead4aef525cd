// Package gate decides which worker computes which request, and when.
//
// All workers of a master accept from the same sockets. If a worker accepted every
// connection that it finds, requests would wait for it while other workers idle, and its
// crash would lose them all. So the gate separates what a connection does:
//
//	reading ──whole request──▶ waiting ──a free place──▶ computing ──▶ writing
//	   ▲                          │                                      │
//	   │                          └──▶ an idle worker (share.go)         │
//	   └──────────── kept ◀── or parked with the master (package park) ◀─┘
//
// Only a computing request holds a place, and there are as many places as requests may
// compute at once. A connection that is read or written holds no place. So a client that
// sends or reads slowly, or not at all, stops no other client. Requests get places in the
// order in which they became whole, but in a concurrent worker a short one passes a long
// one, and interrupts it (interrupt.go). A worker accepts a connection only while it has a
// free place; grant, placeFree, yields and spills have the exceptions.
//
// The gate reads requests itself (package http1) and gives them to the server whole.
// Accept returns a Conn for each request that has a place. The server reads the request
// from the Conn and writes the answer. When the server then reads on, it gets io.EOF. So
// any server with Serve(net.Listener) works: to the server, every connection carries one
// request.
//
// One epoll set has all sockets of a worker, and one lock guards all state. Each holder of
// the lock may look for events (look): the goroutine that waits for them, a request that
// ends, and a request that computes for long (Request.While). Without the last one a busy
// worker would not see a new request: with one processor, the goroutine that waits for
// events runs only when the computation has ended.
//
// Drain (drain.go) ends the service without losing a request. A server's own shutdown
// cannot: only the gate knows on which connections a request has arrived.
package gate

import (
	"container/list"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/limits"
)

// ErrGone says that the client has hung up, so nobody waits for the answer.
var ErrGone = errors.New("the client has gone")

// Options are the options of a gate.
type Options struct {
	// The gate computes Threads requests at the same time; 0 means one. It accepts no
	// connection beyond WorkerConnections. At LimitBuffers it accepts none either, and
	// refuses a request that would need more with ErrMemory (memory.go). Beyond
	// LimitConcurrency, Request.Over reports true. With a LimitConcurrency the gate also
	// accepts without a free place, so that the server can refuse at once. LimitBody and
	// the limits of a head hold unless Rules has others. The gate does not use
	// MaxRequestsJitter, Timeout, GracefulTimeout and KeepAlive.
	limits.Limits

	Worn func() // called once, in a goroutine, after MaxRequests answers; may be nil

	// Sync lets the worker serve one request at a time: a request keeps its place also
	// during Request.Wait. Threads is then 1.
	Sync bool

	// Starved is called, in a goroutine, when a connection or a request cannot be taken,
	// for example because the process has no descriptor left. It is called at most once
	// a minute. It may be nil.
	Starved func(error)

	Line   *board.Line   // the worker's line of the scoreboard; may be nil
	Counts *metrics.Page // the worker's counters; may be nil

	// Park is the workers' end of the pair of package park, on which idle connections go
	// to the master. It must stay open until Accept has returned net.ErrClosed. Nil: the
	// worker keeps them.
	Park *os.File
}

// Rules say which requests a server takes. The zero value has the defaults.
type Rules struct {
	Limits  http1.Limits
	Timeout time.Duration // from the first byte of a request to its last; 0: 30 s

	// Admit reports whether the server wants the body of a request whose client waits
	// for permission to send it (Expect: 100-continue). If it does not, the server gets
	// the request without a body. Nil: every body is wanted.
	Admit func(*http1.Head) bool

	// Permit reports whether a request may be served at all. If it may not, the server
	// gets the request at once, only to refuse it: without a place, and without the body
	// if that was not read yet. Nil: every request may.
	Permit func(*http1.Head) bool

	// Refusals says that the server calls Conn.Refused for each request. If the gate
	// refuses a request whose head is valid, the server then gets the head as a request
	// without a body, and can answer it like any other.
	Refusals bool

	// Stream reports whether the server reads the body of a request while it arrives: see
	// stream.go. field returns a field of the head. Nil: the gate reads every body whole.
	Stream func(h *http1.Head, field func(name string) string) bool

	// Exempt reports whether LimitConcurrency does not count a request. Nil: it counts
	// all.
	Exempt func(*http1.Head) bool

	// Proxy says that connections come from a proxy that sends a PROXY header. Nil: they
	// do not.
	Proxy *Proxy

	// TLS says that connections are those of TLS. Nil: they are not.
	TLS *tls.Config

	// Turned is called, in a goroutine, with the reason when a connection is closed before
	// it has become HTTP. It is called at most once a minute. It may be nil.
	Turned func(error)
}

// Gate holds all connections and requests of a worker.
type Gate struct {
	o Options

	parkFD int // descriptor of Options.Park

	ep   int             // descriptor of the epoll set
	set  *os.File        // the same, in the runtime's poller
	rset syscall.RawConn // the same, to wait for events

	mu      sync.Mutex
	rules   Rules
	change  sync.Cond // for Drain: something has ended
	granted sync.Cond // for Accept: ready has one more, or the gate has ended

	stage   stage
	begun   bool      // Accept or Drain was called
	leaving bool      // Leave was called
	last    bool      // Last was called: connections cannot be parked any more
	stopped bool      // Stop was called
	closing bool      // the gate has ended
	quiet   time.Time // when a connection was last taken, or the gate could take none

	sources map[int]*source // where connections come from, by descriptor
	turn    []*source       // the same; the first is asked first
	more    bool            // the sources may have more connections than takeIn has taken
	clients map[int]*client // by descriptor
	again   []*client       // clients of which more can be read without an event
	idle    int             // clients that have sent nothing of a request, or linger
	partial int             // clients that have sent a part of a request
	unsent  int             // clients that have not taken all of their answer

	fifo   list.List // of *entry, the earliest due time first: whole requests that wait for a place
	paused list.List // of *entry, the same: requests that were interrupted, also between two computations
	ready  []*client // clients that Accept returns next
	taken  int       // places held
	guest  bool      // one connection more may be accepted, see grant
	pace   float64   // moving average of the nanoseconds that a byte of a long request takes

	share share

	running  list.List // of *Request; the first one has run for longest
	inflight int       // whole requests that are not answered
	counted  int       // what LimitConcurrency counts of them: computations, see batch.go
	answered int

	memory  int // bytes of requests and unsent answers
	release release

	timer    *time.Timer
	looked   atomic.Int64         // when a computation last looked, on the scoreboard's clock
	tickIn   time.Duration        // the time for which timer was set; 0: it is not set
	ticked   time.Time            // when tick last looked at the clients' deadlines
	starved  time.Time            // when Starved was last called
	turnedAt time.Time            // when Turned was last called
	scratch  [64 << 10]byte       // what was just read
	events   [128]unix.EpollEvent // what the epoll set has just reported
}

// entry is a whole request that waits for a place. Either the server does not have it
// yet, or the server has it and it needs a place again after Request.Wait, or it came on
// a connection that is not the gate's.
type entry struct {
	c     *client  // nil if the server has the request
	r     *Request // nil if the server does not have the request
	whole int64    // when it became whole, on the scoreboard's clock
	due   int64    // its due time, see interrupt.go; 0 if its computation was interrupted
	size  int      // bytes of its computation
	begun bool     // its computation was interrupted: left says how many of them are left

	list *list.List // where it waits: fifo or paused
	at   *list.Element
}

// stage is how far the gate has ended its service.
type stage int

const (
	open     stage = iota
	emptying       // the gate accepts until the queues are empty
	closed         // the gate accepts nothing any more
	hangUp         // the gate closes idle connections
)

const defaultTimeout = 30 * time.Second

// New makes a gate. It panics if the process cannot have an epoll set, or if o.Park is
// not an open file. Add sources with Listen, Unpark and Share.
func New(o Options) *Gate {
	o.SetDefaults()
	o.Threads = max(o.Threads, 1)
	if o.Sync {
		o.Threads = 1
	}
	g := &Gate{o: o, sources: map[int]*source{}, clients: map[int]*client{}, pace: float64(perByte)}
	g.rules = g.complete(Rules{})
	g.change.L, g.granted.L = &g.mu, &g.mu
	var err error
	if g.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		err = unix.SetNonblock(g.ep, true) // os.NewFile looks at the flag
	}
	if err == nil {
		g.set = os.NewFile(uintptr(g.ep), "gate")
		g.rset, err = g.set.SyscallConn()
	}
	if err != nil {
		panic(fmt.Sprintf("gate: epoll: %v", err))
	}
	if o.Park != nil {
		rc, err := o.Park.SyscallConn()
		if err == nil {
			err = rc.Control(func(fd uintptr) { g.parkFD = int(fd) })
		}
		if err != nil {
			panic(fmt.Sprintf("gate: parking connections: %v", err))
		}
	}
	if o.Line != nil {
		o.Line.Places(o.Threads)
	}
	g.timer = time.AfterFunc(time.Hour, g.tick)
	g.timer.Stop()
	go g.wait()
	return g
}

// Rules sets the rules. The server calls it before its first Accept.
func (g *Gate) Rules(r Rules) {
	r = g.complete(r)
	g.mu.Lock()
	g.rules = r
	g.mu.Unlock()
}

// complete returns the rules with defaults for the timeout and the limits.
func (g *Gate) complete(r Rules) Rules {
	if r.Timeout <= 0 {
		r.Timeout = defaultTimeout
	}
	or := func(n *int, option int) {
		if *n == 0 {
			*n = option
		}
	}
	or(&r.Limits.Head, g.o.RequestHead())
	or(&r.Limits.Line, g.o.LimitRequestLine)
	or(&r.Limits.Field, g.o.LimitRequestFieldSize)
	or(&r.Limits.Fields, g.o.LimitRequestFields)
	or(&r.Limits.Body, int(g.o.LimitBody))
	return r
}

// Leave announces that the service is about to end: from then on Leaving reports true.
// Requests are served as before.
func (g *Gate) Leave() {
	g.mu.Lock()
	g.leaving = true
	g.mu.Unlock()
}

// Leaving reports whether Leave was called, or the gate drains or was stopped. A server
// can then fail its readiness check.
func (g *Gate) Leaving() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leaving || g.stage != open
}

// Counts returns the worker's counters. They may be nil, which counts nothing.
func (g *Gate) Counts() *metrics.Page { return g.o.Counts }

// InFlight returns the number of whole requests that are not answered.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inflight
}

// Rebalance makes every connection end with its next answer. The clients then connect
// again, and a worker that has just started gets some of them.
func (g *Gate) Rebalance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.clients {
		c.shed = true
	}
}

// starvedQuiet is the least time between two calls of Starved.
const starvedQuiet = time.Minute

// starve calls Options.Starved, unless it was called within starvedQuiet. g.mu is held.
func (g *Gate) starve(err error) {
	now := time.Now()
	if g.o.Starved == nil || now.Sub(g.starved) < starvedQuiet {
		return
	}
	g.starved = now
	go g.o.Starved(err)
}

var _ net.Listener = (*Gate)(nil)

// Accept returns the next request as a *Conn: a whole request that has a place, or one
// that the server only has to refuse (Request.Over, Conn.Refused). It returns
// net.ErrClosed when the gate has ended after Drain or Stop. The gate takes no connection
// before the first Accept, so the server can set its rules first.
func (g *Gate) Accept() (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.begun {
		g.begun = true
		g.proceed()
	}
	for len(g.ready) == 0 {
		if g.closing {
			return nil, net.ErrClosed
		}
		g.granted.Wait()
	}
	c := g.ready[0]
	g.ready[0] = nil
	if g.ready = g.ready[1:]; len(g.ready) == 0 {
		g.ready = nil
	}
	return c.serve(), nil
}

// Close calls Stop. It returns nil.
func (g *Gate) Close() error {
	g.Stop()
	return nil
}

// Addr returns the address of one of the listening sockets. Without one, it returns an
// empty unix address.
func (g *Gate) Addr() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.turn {
		if s.kind == fromListen {
			return s.addr
		}
	}
	return &net.UnixAddr{Net: "unix"}
}
