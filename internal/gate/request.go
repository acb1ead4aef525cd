package gate

import (
	"container/list"
	"context"
	"net"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
)

// Info is what the log and the scoreboard say of a request.
type Info struct {
	Method, Path string
	Size         int // of the body, bytes
}

// Request is one request between the moment the server has read it and the moment
// its answer is ready. It is used by one goroutine.
type Request struct {
	g    *Gate
	c    *Conn // nil if the connection is not the gate's
	info Info

	place   bool          // it holds one, and has no Conn to hold it
	waited  bool          // its client may have hung up while it waited
	turn    chan struct{} // closed when it has a place again
	entered bool
	started int64         // running since, on the scoreboard's clock
	at      *list.Element // its place among the running, nil if it only waits
}

// Begin registers a request that was read from c. It does not wait.
func (g *Gate) Begin(c net.Conn, info Info) *Request {
	r := &Request{g: g, c: ConnOf(c), info: info}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.c != nil {
		r.c.told = true
		r.waited = r.c.c.waited
		return r
	}
	g.inflight++
	g.showInFlight()
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
	if r.c != nil {
		k := r.c.c
		if !k.shed && k.row+1 >= mostInARow && len(g.clients) >= g.o.WorkerConnections && g.othersWait() {
			k.shed, k.linger = true, true // it is still sending
		}
		if k.shed || k.closes {
			return true
		}
	}
	return g.stage != open && (g.o.Park == nil || g.last)
}

// Over says that the request is one more than Limit allows.
func (r *Request) Over() bool { return r.c != nil && r.c.c.over }

// Wait lets time pass: without a place, unless the gate is Sync. It returns
// ErrGone as soon as the client has hung up.
func (r *Request) Wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	g := r.g
	if g.o.Sync {
		if err := r.Enter(); err != nil {
			return err
		}
		return r.pass(d)
	}
	g.mu.Lock()
	r.run()
	if r.holds() {
		r.release()
		g.proceed()
	}
	g.mu.Unlock()

	err := r.pass(d)

	g.mu.Lock()
	defer g.mu.Unlock()
	r.rest()
	return err
}

// pass waits for the time or for the client to hang up.
func (r *Request) pass(d time.Duration) error {
	if r.c == nil {
		time.Sleep(d)
		return nil
	}
	g := r.g
	gone := make(chan struct{})
	g.mu.Lock()
	hungUp := r.c.closed || r.c.c.hungUp()
	r.c.onGone = gone
	g.mu.Unlock()
	if hungUp {
		return ErrGone
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-gone:
		return ErrGone
	case <-t.C:
	}
	g.mu.Lock()
	r.c.onGone = nil
	g.mu.Unlock()
	return nil
}

// Enter waits until the request may compute. It returns ErrGone if the request had
// to wait for that and its client has hung up meanwhile: nobody would read the
// answer.
func (r *Request) Enter() error {
	if r.entered { // Wait has entered
		return nil
	}
	g := r.g
	g.mu.Lock()
	if !r.holds() {
		r.turn = make(chan struct{})
		r.waited = r.waited || g.taken >= g.o.Threads || g.fifo.Len() > 0
		g.queue(&entry{r: r, whole: board.Now()})
		g.proceed()
		g.mu.Unlock()
		<-r.turn
		g.mu.Lock()
	}
	defer g.mu.Unlock()
	r.entered = true
	if r.waited && r.c != nil && (r.c.closed || r.c.c.hungUp()) {
		return ErrGone
	}
	r.run()
	return nil
}

// holds says whether the request has a place. g.mu is held.
func (r *Request) holds() bool {
	if r.c != nil {
		return r.c.c.place
	}
	return r.place
}

// hold gives it a place. g.mu is held.
func (r *Request) hold() {
	if r.c != nil {
		r.c.c.place = true
	} else {
		r.place = true
	}
	close(r.turn)
}

// release takes it back. g.mu is held.
func (r *Request) release() {
	if r.c != nil {
		r.c.giveBack()
	} else if r.place {
		r.place = false
		r.g.free()
	}
}

// End says that the answer with this status is ready to be sent. The place passes
// to the next request when the answer is with the kernel or, as far as the client
// does not take it, with the gate: when the server closes the Conn, or a Write has to
// wait. So a crash cannot cost both a request that computes and one whose client
// has had its answer and sends the next.
func (r *Request) End(status int) {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.entered && r.at != nil {
		took := time.Duration(board.Now() - r.started)
		g.share.took(took)
		if g.o.Line != nil {
			g.o.Line.Busy(took)
		}
	}
	r.rest()
	if r.c != nil {
		r.c.answered = true
		r.c.c.uncount()
		r.c.poke()
	} else {
		r.release()
		g.inflight--
		g.showInFlight()
	}
	g.answered++
	if g.o.Line != nil {
		g.o.Line.Answered(status >= 500)
	}
	if g.answered == g.o.MaxRequests && g.o.Worn != nil {
		go g.o.Worn()
	}
	g.change.Broadcast()
	if !g.closing {
		g.look()
	}
}

// While returns a context in which a long computation lets the gate look for new
// requests, each time it asks whether it should end.
func (g *Gate) While(ctx context.Context) context.Context { return looking{ctx, g} }

type looking struct {
	context.Context
	g *Gate
}

func (l looking) Err() error {
	l.g.Look()
	return l.Context.Err()
}

// run says that the request works, or waits on purpose, from now on; the
// scoreboard shows the one that has done so longest. A request that waits for
// its turn is not running: it must not be taken for a hung one. g.mu is held.
func (r *Request) run() {
	if r.at != nil {
		return
	}
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
