// Package gate decides which worker computes which request, and when.
//
// All workers of a master accept from the same sockets. A worker that took
// whatever it found would serve it late while its siblings idle, and would lose
// all of it in a crash. So the gate separates three things that a connection does:
//
//	reading ──whole request──▶ waiting ──a free place──▶ computing ──▶ writing
//	   ▲                          │                                      │
//	   │                          └──▶ an idle sibling (share.go)        │
//	   └──────────── kept ◀── or parked with the master (package park) ◀─┘
//
// Only a computing request holds a place, and there are as many places as
// requests may compute at once. Reading and writing hold a connection and
// nothing else: a client that sends or reads slowly, or not at all, stops nobody.
// Whole requests get places in the order in which they became whole. A worker
// accepts a connection only while it has a free place.
//
// The gate reads requests itself (package http1) and gives them to the server
// whole. Accept returns a Conn for each request that has its place; the server
// reads the request from it, writes the answer, and, when it asks for the next
// request, reads io.EOF. So any server with Serve(net.Listener) works: for it
// every connection carries one request.
//
// One epoll set has all sockets of a worker, and one lock guards all state. Whoever
// holds the lock may look for events (look): the goroutine that waits for them, a
// request that ends, and one that computes for long (Look). The last is what makes
// a busy worker see a new request: with one processor, the goroutine that waits
// would not run before the computation ends.
//
// The gate knows every connection, so it also does what a server's own shutdown
// cannot do without losing requests: Drain, in drain.go.
package gate

import (
	"container/list"
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
	"github.com/narwhal-server/narwhal/limits"
)

// ErrGone says that the client has hung up, so nobody waits for the answer.
var ErrGone = errors.New("the client has gone")

// Options of a gate.
type Options struct {
	// The gate computes Threads requests at the same time, one if that is 0. It
	// accepts no connection beyond WorkerConnections. At LimitBuffers nothing is
	// accepted, and a request that would need more is refused with 503; see
	// memory.go. Beyond LimitConcurrency Request.Over reports true; to be able to say
	// so, the gate accepts without a free place. LimitBody holds where Rules name no
	// other. The gate does not look at MaxRequestsJitter and the times.
	limits.Limits

	Worn func() // called once, after MaxRequests answers

	// Sync makes a request keep its place while it waits on purpose, too: one
	// request at a time in every sense. Threads is then 1.
	Sync bool

	// Starved is called when nothing can be accepted because the process or the
	// machine is short of something, at most once in starvedQuiet.
	Starved func(error)

	Line *board.Line // where the worker's state is written; may be nil

	// Park, if not nil, is where idle connections are passed to the master.
	Park *os.File
}

// Rules are what a server tells the gate of the requests it wants. The zero value
// is the default.
type Rules struct {
	Limits  http1.Limits
	Timeout time.Duration // from the first byte of a request to its last; 0: 30 s

	// Admit, if not nil, says of a request whether its body is wanted, when the
	// client waits for permission to send it (Expect: 100-continue). If not, the
	// server gets the request without a body and answers it.
	Admit func(*http1.Head) bool

	// Refusals says that the server asks Conn.Refused about each request. It then
	// gets the head of a request whose body is refused, without the body, and can
	// answer as to a request.
	Refusals bool

	// Exempt, if not nil, says which requests Limit does not count.
	Exempt func(*http1.Head) bool
}

// Gate is the one keeper of a worker's connections and requests.
type Gate struct {
	o Options

	parkFD int // of Options.Park

	ep   int // the epoll set, which epoll wraps for the runtime's poller
	set  *os.File
	rset syscall.RawConn

	mu      sync.Mutex
	rules   Rules
	change  sync.Cond // for Drain: something ended
	granted sync.Cond // for Accept: ready has one more, or nothing comes any more

	stage   stage
	begun   bool // the server accepts, or the gate drains
	leaving bool
	last    bool      // the service itself ends: connections cannot be parked any more
	stopped bool      // Stop was called
	closing bool      // the gate has come to its end
	quiet   time.Time // emptying: when a connection last came, or could not be let in

	sources map[int]*source // what connections come from, by descriptor
	turn    []*source       // the same, the one whose turn it is first
	more    bool            // they may have more connections to take
	clients map[int]*client
	again   []*client // more can be read of them without an event
	idle    int       // clients that wait with nothing of a request
	partial int       // clients that have sent a part of one
	unsent  int       // clients that have not taken all of their answer

	fifo  list.List // of *entry: whole requests that wait for a place
	ready []*client // granted, to be returned by Accept
	taken int       // places held
	guest bool      // one connection more may be accepted, see grant

	share share

	running  list.List // of *Request, the one running longest first
	inflight int       // whole requests not answered
	counted  int       // of those, the ones Limit counts
	answered int

	memory  int // bytes of requests and unsent answers
	release release

	timer   *time.Timer
	looked  atomic.Int64  // when Look last did, on the scoreboard's clock
	tickIn  time.Duration // tick was asked for in this time; 0: it was not
	ticked  time.Time     // when the clients' times were looked at
	starved time.Time     // Starved was called
	scratch [64 << 10]byte
	events  [128]unix.EpollEvent
}

// entry is a place in the queue: of a request to be given to the server, or of one
// that the server has and that has waited on purpose.
type entry struct {
	c     *client
	r     *Request
	whole int64 // since when it waits, on the scoreboard's clock
}

type stage int

const (
	open     stage = iota
	emptying       // no more is wanted, but what waits in the queues is still accepted
	closed         // nothing is accepted any more
	hangUp         // idle connections are closed
)

const defaultTimeout = 30 * time.Second

// New makes a gate. It panics if the process cannot have an epoll set, or if
// o.Park is no open file: neither is the fault of a client.
func New(o Options) *Gate {
	o.SetDefaults()
	o.Threads = max(o.Threads, 1)
	if o.Sync {
		o.Threads = 1
	}
	g := &Gate{o: o, sources: map[int]*source{}, clients: map[int]*client{}}
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
	g.timer = time.AfterFunc(time.Hour, g.tick)
	g.timer.Stop()
	go g.wait()
	return g
}

// Rules sets the rules. The server calls it before it accepts.
func (g *Gate) Rules(r Rules) {
	r = g.complete(r)
	g.mu.Lock()
	g.rules = r
	g.mu.Unlock()
}

// complete puts the defaults in place of zero values.
func (g *Gate) complete(r Rules) Rules {
	if r.Timeout <= 0 {
		r.Timeout = defaultTimeout
	}
	if r.Limits.Body == 0 {
		r.Limits.Body = int(g.o.LimitBody)
	}
	return r
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

// InFlight is the number of whole requests that are not answered.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inflight
}

// Rebalance has every connection closed with its next answer, so that clients
// connect anew and a worker that has just come gets its part of them.
func (g *Gate) Rebalance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.clients {
		c.shed = true
	}
}

// starvedQuiet is the time between two calls of Starved.
const starvedQuiet = time.Minute

// starve tells that something is short. g.mu is held.
func (g *Gate) starve(err error) {
	now := time.Now()
	if g.o.Starved == nil || now.Sub(g.starved) < starvedQuiet {
		return
	}
	g.starved = now
	go g.o.Starved(err)
}

var _ net.Listener = (*Gate)(nil)

// Accept returns the next request that has a place, as a connection. It returns
// net.ErrClosed when the worker leaves and has no more. The gate takes no connection
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

// Close is part of net.Listener. It stops accepting, as Stop does.
func (g *Gate) Close() error {
	g.Stop()
	return nil
}

// Addr is the address of one of the listening sockets.
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
