package gate

import (
	"container/list"
	"net"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
)

// Info is what the log and the scoreboard say of a request.
type Info struct {
	Method, Path string
	Size         int  // of the body, bytes
	Exempt       bool // health checks: Limit does not count them
}

// Request is one request between the moment it was read whole and the moment
// its answer is ready. It is used by one goroutine.
type Request struct {
	g    *Gate
	c    *Conn // nil if the connection is not the gate's
	info Info
	over bool

	turn      chan struct{} // closed when it may compute
	computing bool
	started   int64         // running since, on the scoreboard's clock
	at        *list.Element // its place among the running, nil if it only waits
}

// Begin registers a request that was read whole from c. It does not wait.
func (g *Gate) Begin(c net.Conn, info Info) *Request {
	r := &Request{g: g, info: info}
	r.c, _ = c.(*Conn)
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.c != nil {
		r.c.busy = true
		g.hold(r.c)
		// Kept connections need no place to send their next request, so they could
		// hold all places for ever. For each such request one newcomer is let in,
		// if one waits; the two then compute in the order in which they ask.
		if r.c.row > 0 && !g.guest && g.active >= g.o.Places && g.othersWait() {
			g.guest = true
			g.change.Broadcast()
		}
	}
	g.inflight++
	if !info.Exempt {
		g.counted++
		r.over = g.o.Limit > 0 && g.counted > g.o.Limit
	}
	if g.o.Line != nil {
		g.o.Line.InFlight(g.inflight)
	}
	return r
}

// mostInARow is how many requests a connection may bring while others wait at the
// limit of connections. It is then closed with an answer: those who wait can be
// let in no other way.
const mostInARow = 20

// Closes says that the answer should say Connection: close: the worker leaves
// and cannot park the connection, or the client is to connect anew.
func (r *Request) Closes() bool {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := r.c; c != nil && !c.shed && c.row >= mostInARow && len(g.conns) >= g.o.Connections && g.othersWait() {
		c.shed, c.linger = true, true // it is still sending
	}
	if r.c != nil && r.c.shed {
		return true
	}
	return g.stage != open && (g.park == nil || g.last)
}

// Over says that the request is one more than Limit allows.
func (r *Request) Over() bool { return r.over }

// Wait lets time pass: without a place, unless the gate is Sync. It returns
// ErrGone as soon as the client has hung up.
func (r *Request) Wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if r.g.o.Sync {
		if err := r.Enter(); err != nil {
			return err
		}
		return r.pass(d)
	}
	g := r.g
	g.mu.Lock()
	r.run()
	if r.c != nil {
		g.release(r.c)
	}
	g.mu.Unlock()

	err := r.pass(d)

	g.mu.Lock()
	defer g.mu.Unlock()
	r.rest()
	if r.c != nil {
		g.hold(r.c)
	}
	return err
}

// pass waits for the time or for the client to hang up.
func (r *Request) pass(d time.Duration) error {
	if r.c == nil {
		time.Sleep(d)
		return nil
	}
	if r.c.gone(time.Now().Add(d)) {
		return ErrGone
	}
	return nil
}

// Enter waits until the request may compute. Requests enter in the order in
// which they ask. It returns ErrGone if the request had to wait and its client
// has hung up meanwhile: nobody would read the answer.
func (r *Request) Enter() error {
	if r.computing { // Wait has entered
		return nil
	}
	g := r.g
	g.mu.Lock()
	if g.computing < g.o.Places && g.waiting.Len() == 0 {
		g.computing++
		r.computing = true
		r.run()
		g.mu.Unlock()
		return nil
	}
	r.turn = make(chan struct{})
	g.waiting.PushBack(r)
	g.mu.Unlock()
	<-r.turn
	if r.c != nil {
		var gone bool
		if err := r.c.rc.Control(func(fd uintptr) { gone = hungUp(int(fd)) }); err != nil || gone {
			return ErrGone
		}
	}
	return nil
}

// End says that the answer with this status is ready to be sent. The place
// passes to the next request, but the connection keeps its own until the answer
// is written and it waits or closes.
func (r *Request) End(status int) {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.computing && g.o.Line != nil {
		g.o.Line.Busy(time.Duration(board.Now() - r.started))
	}
	r.rest()
	if r.computing {
		r.computing = false
		g.computing--
		if e := g.waiting.Front(); e != nil {
			next := g.waiting.Remove(e).(*Request)
			g.computing++
			next.computing = true
			next.run()
			close(next.turn)
		}
	}
	if r.c != nil {
		r.c.busy = false
		r.c.row++
	}
	g.inflight--
	if !r.info.Exempt {
		g.counted--
	}
	g.answered++
	if g.o.Line != nil {
		g.o.Line.InFlight(g.inflight)
		g.o.Line.Answered(status >= 500)
	}
	if g.answered == g.o.MaxRequests && g.o.Worn != nil {
		go g.o.Worn()
	}
	g.change.Broadcast()
}

// run says that the request works, or waits on purpose, from now on; the
// scoreboard shows the one that has done so longest. A request that waits for
// its turn is not running: it must not be taken for a hung one. g.mu is held.
func (r *Request) run() {
	r.started = board.Now()
	r.at = r.g.running.PushBack(r)
	if r.g.running.Len() == 1 {
		r.g.show()
	}
}

// rest takes it off the list of the running. g.mu is held.
func (r *Request) rest() {
	if r.at == nil {
		return
	}
	first := r.g.running.Front() == r.at
	r.g.running.Remove(r.at)
	r.at = nil
	if first {
		r.g.show()
	}
}

// show writes the request running longest on the scoreboard. g.mu is held.
func (g *Gate) show() {
	if g.o.Line == nil {
		return
	}
	e := g.running.Front()
	if e == nil {
		g.o.Line.Running(0, "", "", 0)
		return
	}
	r := e.Value.(*Request)
	g.o.Line.Running(r.started, r.info.Method, r.info.Path, r.info.Size)
}
