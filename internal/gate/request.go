package gate

import (
	"container/list"
	"net"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

// Info describes a request. The scoreboard shows it while the request runs, except Route.
type Info struct {
	Method, Path string
	Size         int           // bytes of the body
	Route        metrics.Route // under which the request is counted
}

// Request is one request from the moment the server has read it to the moment its answer
// is ready. Only one goroutine may use it.
type Request struct {
	g    *Gate
	c    *Conn // nil if the connection is not the gate's
	info Info

	place   bool          // without a Conn: the request holds a place
	waited  bool          // the request had to wait for a place, and its client may have hung up
	turn    chan struct{} // closed when the request gets a place
	entered bool          // Enter was called
	began   int64         // when the request became whole, on the scoreboard's clock
	from    int64         // when its present computation could begin; once it has begun, when it did
	queued  time.Duration // how long the request has waited for a place
	size    int           // bytes that the present computation is for: the body, or see batch.go
	before  time.Duration // how long its earlier computations took, see batch.go
	placed  bool          // it has had a place
	parent  *Request      // of an Extra: the request that it is a place of
	started int64         // when the request began to run, or to run again, on that clock
	slept   time.Duration // in Wait, since started

	// Of a computation, see interrupt.go.
	pauses   bool          // its computation has asked whether it should go on, so it can be interrupted
	complete bool          // Computed was called
	computed time.Duration // before the last interruption
	at       *list.Element // the request in Gate.running; nil: it does not run
}

// Begin registers a request that the server has read from c, and returns at once. c may
// wrap a *Conn (ConnOf). If it does not, Enter waits for a place.
func (g *Gate) Begin(c net.Conn, info Info) *Request {
	r := &Request{g: g, c: ConnOf(c), info: info, size: info.Size, from: board.Now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.c != nil {
		r.from = r.c.c.whole
		r.began = r.from
		r.queued = time.Duration(board.Now() - r.from)
		r.c.told = true
		r.waited = r.c.c.waited
		return r
	}
	r.began = r.from
	g.inflight++
	g.showInFlight()
	return r
}

// mostInARow is how many requests a connection may bring while other clients wait and the
// worker holds WorkerConnections connections. The connection is then closed with its
// answer, because the worker cannot accept another client otherwise.
const mostInARow = 20

// Closes reports whether the answer should say Connection: close. It should if the worker
// leaves and cannot park the connection, after Rebalance, after mostInARow requests, and
// if the gate ends the connection after this request anyway.
func (r *Request) Closes() bool {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.c != nil {
		k := r.c.c
		if !k.shed && k.row+1 >= mostInARow && len(g.clients) >= g.o.WorkerConnections && g.othersWait() {
			k.shed, k.linger = true, true // the client may be sending its next request
		}
		if k.shed || k.closes {
			return true
		}
	}
	return g.stage != open && (g.o.Park == nil || g.last)
}

// Over reports whether the request is one more than LimitConcurrency allows.
func (r *Request) Over() bool { return r.c != nil && r.c.c.over }

// Queued returns how long the request has waited for a place since it became whole.
func (r *Request) Queued() time.Duration { return r.queued }

// Wait waits for d. The request gives its place back for that time, unless the gate is Sync
// or has more than LimitBuffers. Wait returns ErrGone as soon as the client has hung up.
func (r *Request) Wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	g := r.g
	if g.o.Sync {
		if err := r.Enter(); err != nil {
			return err
		}
		begun := board.Now()
		defer func() { r.slept = time.Duration(board.Now() - begun) }()
		return r.pass(d)
	}
	g.mu.Lock()
	r.run()
	if r.holds() && g.roomy() {
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

// pass waits until d has passed or the client has hung up. Then it returns ErrGone.
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

// Enter waits until the request has a place. It returns ErrGone if the request had to wait
// and its client has hung up meanwhile: nobody would read the answer.
func (r *Request) Enter() error {
	if r.entered { // Wait has called Enter
		return nil
	}
	g := r.g
	g.mu.Lock()
	if r.c != nil && r.c.c.refused == ErrGone {
		g.mu.Unlock()
		return ErrGone
	}
	if !r.holds() {
		r.turn = make(chan struct{})
		r.waited = r.waited || g.taken >= g.o.Threads || g.fifo.Len() > 0
		now := board.Now()
		g.queue(&entry{r: r, whole: now, due: g.dueAt(now, r.size), size: r.size})
		g.proceed()
		g.mu.Unlock()
		<-r.turn
		g.mu.Lock()
		r.queued += time.Duration(board.Now() - now)
	}
	defer g.mu.Unlock()
	r.entered = true
	if !r.holds() || r.waited && r.c != nil && (r.c.closed || r.c.c.hungUp()) {
		return ErrGone
	}
	r.placed = true
	r.from = board.Now()
	r.run()
	return nil
}

// Times returns how long the request waited for its first place, and for how long it has
// computed until now. What it spent in Wait counts for neither. ok is false if it does not
// compute.
func (r *Request) Times() (queued, computed time.Duration, ok bool) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if !r.entered || r.at == nil {
		return 0, 0, false
	}
	return r.queued, r.before + r.computed + time.Duration(board.Now()-r.started) - r.slept, true
}

// holds reports whether the request has a place. g.mu is held.
func (r *Request) holds() bool {
	if r.c != nil {
		return r.c.c.place
	}
	return r.place
}

// hold gives the request a place, and ends the wait in Enter. g.mu is held.
func (r *Request) hold() {
	if r.c != nil {
		r.c.c.place = true
	} else {
		r.place = true
	}
	close(r.turn)
}

// release gives the request's place back, if it holds one. g.mu is held.
func (r *Request) release() {
	if r.c != nil {
		r.c.giveBack()
	} else if r.place {
		r.place = false
		r.g.free()
	}
}

// End says that the answer with this status is ready to be sent. The next request gets
// the place when the server closes the Conn, or when a Write has to wait for the client.
// Until then no other request computes in this place, so no crash of another request can
// cost the answer. Without a Conn the place is free at once.
func (r *Request) End(status int) {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	r.done()
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
	if r.placed {
		g.o.Counts.Computed(r.queued, r.before-r.slept)
	}
	g.o.Counts.Request(r.info.Route, r.info.Method, status, time.Duration(board.Now()-r.began))
	if g.answered == g.o.MaxRequests && g.o.Worn != nil {
		go g.o.Worn()
	}
	g.change.Broadcast()
	if !g.closing {
		g.look()
	}
}

// done ends a computation, if one runs, and counts its time. g.mu is held.
func (r *Request) done() {
	g := r.g
	if r.entered && r.at != nil {
		took := r.computed + time.Duration(board.Now()-r.started)
		g.share.took(took)
		if r.complete {
			g.learn(took, r.size)
		}
		r.before += took
		if g.o.Line != nil {
			g.o.Line.Busy(took)
		}
	}
	r.rest()
}

// run notes that the request runs from now on: it computes, or waits in Wait. The
// scoreboard shows the request that has run for longest. A request that waits for a place
// does not run, so that the master does not take it for one that hangs. g.mu is held.
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

// rest notes that the request does not run any more. g.mu is held.
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

// show writes the request that has run for longest on the scoreboard. g.mu is held.
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
