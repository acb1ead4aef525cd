package gate

import "github.com/narwhal-server/narwhal/internal/board"

// A request can have several computations, such as the texts of a batch. It is treated as
// so many requests, one after the other, as far as others notice: each computation has a
// due time of its own (Next), a request takes further places only while nobody waits for
// them (Extra), and LimitConcurrency counts computations (Computations). A sync worker
// computes all of them in its one place, without a pause.

// Computations says how many computations the request needs; until then it counts as one.
// LimitConcurrency counts them. A request with more of them than LimitConcurrency counts
// as LimitConcurrency, so that it is served when no other request is. Computations reports
// false if there are too many at the moment: the server then refuses the request.
func (r *Request) Computations(n int) bool {
	g := r.g
	if r.c == nil || g.o.LimitConcurrency == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	k := r.c.c
	more := max(min(n, g.o.LimitConcurrency), 1) - k.weight
	if !k.pending || k.exempt || more <= 0 {
		return true
	}
	if g.counted+more > g.o.LimitConcurrency {
		return false
	}
	k.weight += more
	g.counted += more
	return true
}

// Hold counts n bytes that the server holds for the request, beside the request itself,
// until the request ends. While the gate has more than LimitBuffers, Wait and Next do not
// give the request's place back. So requests that hold much and have no place are bounded,
// too.
func (r *Request) Hold(n int) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.holdMore(n)
}

// holdMore does what Hold does. g.mu is held.
func (r *Request) holdMore(n int) {
	if r.c == nil || r.c.closed {
		return
	}
	r.c.c.held += n
	r.c.c.account()
}

// roomy reports whether the gate has at most LimitBuffers. g.mu is held.
func (g *Gate) roomy() bool { return g.memory <= int(g.o.LimitBuffers) }

// First says that the next computation of the request, for which it is about to Enter, is
// for size bytes of text. Without it, the computation is for the body.
func (r *Request) First(size int) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.begins(size)
}

// begins makes a computation for size bytes the present one. g.mu is held.
func (r *Request) begins(size int) {
	r.size, r.from, r.computed, r.pauses, r.complete = size, board.Now(), 0, false, false
}

// Next ends a computation of the request and begins the next one, for size bytes. It counts
// held bytes as Hold does. If others wait for a place, Next gives the request's place back,
// and waits until the computation is due before theirs. It returns ErrGone if the client
// has gone.
func (r *Request) Next(size, held int) error {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	r.done()
	r.holdMore(held)
	g.lookNow()
	if !g.o.Sync && g.othersWait() {
		g.guest = true // what waits in the kernel's queue came before this computation
		g.takeIn()
	}
	r.begins(size)
	if !g.o.Sync && r.holds() && g.roomy() && g.othersNeed() {
		r.turn = make(chan struct{})
		insert(&g.paused, &entry{r: r, whole: r.from, due: g.dueAt(r.from, size), size: size})
		r.release()
		g.proceed()
		g.mu.Unlock()
		<-r.turn
		g.mu.Lock()
	}
	if r.left() {
		return ErrGone
	}
	r.from = board.Now()
	r.run()
	return nil
}

// Rest ends a computation of the request and gives its place back, until the request calls
// Enter again. A request calls Rest before it waits for something else than a place.
func (r *Request) Rest() {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	r.done()
	r.entered = false
	r.release()
	g.proceed()
}

// Extra is a further place of a request. Only one goroutine may use it.
type Extra struct{ Request }

// Extra takes a further place for a computation for size bytes, or returns nil if none is
// free that nobody else needs. It does not wait.
func (r *Request) Extra(size int) *Extra {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.taken >= g.o.Threads || g.othersNeed() {
		return nil
	}
	g.taken++
	g.showQueue()
	x := &Extra{Request{g: g, info: r.info, parent: r, place: true, entered: true}}
	x.begins(size)
	x.run()
	return x
}

// Next ends a computation in the place and begins the next one. If others wait for a
// place, Next gives this one back instead, and returns false. The Extra then has ended.
func (x *Extra) Next(size int) bool {
	g := x.g
	g.mu.Lock()
	defer g.mu.Unlock()
	x.done()
	g.lookNow()
	if g.othersNeed() {
		x.release()
		g.proceed()
		return false
	}
	x.begins(size)
	x.run()
	return true
}

// End gives the place back.
func (x *Extra) End() { x.Rest() }

// lookNow handles the events that have happened, if the last look of a computation is long
// enough ago. g.mu is held.
func (g *Gate) lookNow() {
	if !g.closing && board.Now()-g.looked.Load() >= int64(lookEvery) {
		g.look()
		g.looked.Store(board.Now())
	}
}

// othersNeed reports whether a request waits for a place, or a connection that was not
// taken yet. g.mu is held.
func (g *Gate) othersNeed() bool {
	s := g.share.source
	return g.fifo.Len() > 0 || g.paused.Len() > 0 || s != nil && s.ready || g.othersWait()
}
