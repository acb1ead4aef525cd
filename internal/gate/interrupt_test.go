package gate

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/limits"
)

// pieces are long computations that go on piece by piece until the test ends them. Their
// requests have the path /long. Other requests are computed at once.
type pieces struct {
	begun chan string   // the path of each request that begins to compute
	ended chan string   // the path of each request that is computed
	end   chan struct{} // a value ends one long computation
	gone  chan error    // what a long computation failed with
}

// slowPace is in nanoseconds for a byte. With it a body of size bytes takes so long that
// every short request of a test comes before the long one is due.
const slowPace, size = 1e8, 10_000

// in makes a server compute in pieces.
func (p *pieces) in(s *server) {
	s.pace(slowPace)
	s.mu.Lock()
	s.compute = p.compute
	s.mu.Unlock()
}

// pace sets how many nanoseconds a byte takes.
func (s *server) pace(x float64) {
	s.g.mu.Lock()
	s.g.pace = x
	s.g.mu.Unlock()
}

func (p *pieces) compute(r *Request, req *http.Request) int {
	path := req.URL.Path
	p.begun <- path
	ctx := r.While(context.Background())
	for path == "/long" {
		if err := ctx.Err(); err != nil {
			p.gone <- err
			return 499
		}
		select {
		case <-p.end:
			path = "/long, ended"
		default:
			time.Sleep(lookEvery)
		}
	}
	p.ended <- req.URL.Path
	return 200
}

func newPieces() *pieces {
	return &pieces{begun: make(chan string, 100), ended: make(chan string, 100), end: make(chan struct{}), gone: make(chan error, 1)}
}

// piecesServer is a server that computes in pieces.
type piecesServer struct {
	*server
	*pieces
}

func servePieces(t *testing.T, o Options) piecesServer {
	t.Helper()
	o.WorkerConnections = 100
	p := piecesServer{serve(t, o, 0, nil), newPieces()}
	p.in(p.server)
	return p
}

// long sends a request that is computed until the test ends it.
func (p piecesServer) long(t *testing.T, version string) net.Conn {
	t.Helper()
	c := dial(t, p.addr)
	sendLong(t, c, version)
	return c
}

func sendLong(t *testing.T, c net.Conn, version string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "POST /long HTTP/%s\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", version, size, strings.Repeat("x", size)); err != nil {
		t.Fatal(err)
	}
}

// While a long request computes, short ones are answered: on new connections, which wait
// in the kernel's queue, and on kept ones. Other long requests do not come between.
func TestShortRequestsInterruptALongOne(t *testing.T) {
	for _, threads := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d places", threads), func(t *testing.T) {
			p := servePieces(t, Options{Limits: limits.Limits{Threads: threads}})
			kept := dial(t, p.addr)
			send(t, kept, "/short")
			answer(t, kept)
			var long []net.Conn
			for range threads + 2 {
				long = append(long, p.long(t, "1.1"))
			}
			for range 20 {
				c := dial(t, p.addr)
				send(t, c, "/short")
				answer(t, c)
				send(t, kept, "/short")
				answer(t, kept)
			}
			close(p.end)
			for _, c := range long {
				answer(t, c)
			}
			p.wait(t, "all places are free", func(g *Gate) bool { return g.paused.Len() == 0 && g.taken == 0 })
		})
	}
}

// While a request computes that takes some milliseconds, clients wait in the kernel's
// queue, where an idle worker can take them, and where they survive a crash of this one.
func TestShortComputationAcceptsNobody(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	p.pace(float64(worthwhile) / size / 2)
	first := p.long(t, "1.1")
	<-p.begun
	p.hasComputed(-time.Hour)
	second := dial(t, p.addr)
	send(t, second, "/short")
	for range 3 {
		before := p.g.looked.Load()
		p.wait(t, "the gate has looked at the queue", func(g *Gate) bool { return g.looked.Load() != before })
	}
	p.g.mu.Lock()
	open := len(p.g.clients)
	p.g.mu.Unlock()
	if open != 1 {
		t.Errorf("the worker has %d connections, want only the one whose request computes", open)
	}
	close(p.end)
	answer(t, first)
	answer(t, second)
}

// hasComputed makes the request that computes look as if it had done so for d longer.
func (s *server) hasComputed(d time.Duration) {
	s.g.mu.Lock()
	s.g.running.Front().Value.(*Request).started -= int64(d)
	s.g.mu.Unlock()
}

// If a request has already computed for long, clients do not wait for it in the kernel's queue,
// whatever its size says.
func TestLongComputationOfAShortTextAccepts(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	p.pace(float64(worthwhile) / size / 2)
	first := p.long(t, "1.1")
	<-p.begun
	p.hasComputed(time.Hour)
	second := dial(t, p.addr)
	second.SetDeadline(time.Now().Add(20 * time.Second))
	send(t, second, "/short")
	answer(t, second)
	close(p.end)
	answer(t, first)
}

// A long request does not interrupt another one that is about as long, even if it is due
// first, so few computations keep memory while they wait. A short one interrupts both.
func TestLongRequestsDoNotInterruptEachOther(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	p.pace(float64(perByte))
	var long []net.Conn
	for n := range 5 {
		long = append(long, p.long(t, "1.1"))
		p.wait(t, "the request has arrived", func(g *Gate) bool { return g.taken == 1 && g.fifo.Len() == n })
	}
	p.pace(slowPace) // the first one is now due after the others, whose due times are known
	for range 3 {
		c := dial(t, p.addr)
		send(t, c, "/short")
		answer(t, c)
	}
	if begun := len(p.begun); begun != 1+3 {
		t.Errorf("%d requests have begun, want one long one and 3 short ones", begun)
	}
	close(p.end)
	for _, c := range long {
		answer(t, c)
	}
	p.wait(t, "all places are free", func(g *Gate) bool { return g.paused.Len() == 0 && g.taken == 0 })
}

// A computation begins beside interrupted ones only if it is at most half as long.
func TestNextRequest(t *testing.T) {
	g := &Gate{pace: float64(time.Minute)}
	computed := func(left int, begun time.Duration) *entry {
		r := &Request{g: g, size: left + 1, computed: time.Minute, from: board.Now() - int64(begun)}
		return &entry{size: r.size, begun: true, r: r}
	}
	small, large, later := &entry{due: 1, size: 50}, &entry{due: 1, size: 51}, &entry{due: 4, size: 50}
	half, other := computed(100, time.Minute), &entry{due: 2, size: 100}
	less := computed(99, time.Minute)
	owed := computed(100, time.Hour) // a minute is less than an eighth
	for i, c := range []struct {
		fifo, paused []*entry
		want         *entry
	}{
		{nil, nil, nil},
		{[]*entry{large}, nil, large},
		{nil, []*entry{half}, half},
		{[]*entry{small}, []*entry{half}, small},
		{[]*entry{large}, []*entry{half}, half},
		{[]*entry{large}, []*entry{half, less}, less},   // the one with the least left
		{[]*entry{small}, []*entry{less, owed}, owed},   // it has computed for too little of its time
		{[]*entry{large}, []*entry{other}, large},       // no computation was interrupted
		{[]*entry{large}, []*entry{other, half}, half},  // nor may the other one begin
		{nil, []*entry{other, half}, half},              // without a request that waits
		{[]*entry{small}, []*entry{other, half}, small}, // it is due before the other one
		{[]*entry{later}, []*entry{half}, later},
		{[]*entry{later}, []*entry{other}, other}, // between computations
	} {
		g.fifo.Init()
		g.paused.Init()
		for _, e := range c.fifo {
			insert(&g.fifo, e)
		}
		for _, e := range c.paused {
			insert(&g.paused, e)
		}
		if got := g.next(); got != c.want {
			t.Errorf("case %d: %+v, want %+v", i, got, c.want)
		}
	}
}

// How long a byte takes is learnt only from computations of which the server says that they
// are complete. What is cut off, and a request whose body is no text, would make it too short.
func TestPaceIsOfCompleteComputations(t *testing.T) {
	g := New(Options{})
	t.Cleanup(g.Stop)
	const start = 1e6
	for _, c := range []struct {
		name    string
		compute func(*Request) // its body has size bytes
		learns  bool
	}{
		{"a body that is no text", func(*Request) {}, false},
		{"a text that is cut off", func(r *Request) { r.First(size); r.Enter() }, false},
		{"a complete text", func(r *Request) { r.First(size); r.Enter(); r.Computed() }, true},
		{"a short text in a large body", func(r *Request) { r.First(1); r.Enter(); r.Computed() }, false},
		{"the second text is cut off", func(r *Request) { r.First(1); r.Enter(); r.Computed(); r.Next(size, 0) }, false},
	} {
		g.pace = start
		r := g.Begin(nil, Info{Size: size})
		c.compute(r)
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		r.End(200)
		if learns := g.pace != start; learns != c.learns {
			t.Errorf("%s: learns %v, want %v", c.name, learns, c.learns)
		}
	}
}

// The order in which requests wait follows from how long a byte takes now, not from what was
// known of it when they came.
func TestOrderFollowsThePace(t *testing.T) {
	g := &Gate{pace: 1}
	for _, l := range []*list.List{&g.fifo, &g.paused} {
		for _, e := range []*entry{{whole: 0, size: 100_000}, {whole: 500_000, size: 50_000}} {
			e.due = g.dueAt(e.whole, e.size)
			insert(l, e)
		}
	}
	for _, c := range []struct {
		size int           // of a text that is computed
		took time.Duration // for a byte of it
		want int           // size of the request that is due first
	}{{1, 0, 100_000}, {size, 1000, 50_000}, {size, 0, 50_000}, {1e9, 0, 50_000}, {1e9, 0, 100_000}} {
		for range 8 {
			g.learn(c.took*time.Duration(c.size), c.size)
		}
		for _, l := range []*list.List{&g.fifo, &g.paused} {
			first := l.Front().Value.(*entry)
			if first.size != c.want || first.due != g.dueAt(first.whole, first.size) {
				t.Errorf("at %g ns for a byte: %+v is first, want %d bytes", g.pace, first, c.want)
			}
			if l.Len() != 2 || first.at != l.Front() {
				t.Error("the list has changed in another way than its order")
			}
		}
	}
}

// A computation that takes longer than its size says holds up no shorter one, whether it
// computes or is interrupted.
func TestLongerThanItsSizeSays(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	kept := dial(t, p.addr)
	send(t, kept, "/short")
	answer(t, kept)
	<-p.begun
	p.pace(1e-3)
	long := p.long(t, "1.1")
	<-p.begun
	kept.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(kept, "POST /short HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size/2, strings.Repeat("x", size/2))
	answer(t, kept)
	close(p.end)
	answer(t, long)
}

// A sync worker finishes what it has begun.
func TestSyncIsNotInterrupted(t *testing.T) {
	p := servePieces(t, Options{Sync: true})
	long, short := p.long(t, "1.1"), dial(t, p.addr)
	<-p.begun
	send(t, short, "/short")
	p.wait(t, "the short request has arrived", func(g *Gate) bool { return g.othersWait() })
	p.end <- struct{}{}
	answer(t, long)
	answer(t, short)
	if first := <-p.ended; first != "/long" {
		t.Errorf("%s was computed first", first)
	}
}

// However many short requests come, a long one has its turn when it is due.
func TestLongRequestHasItsTurn(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	p.pace(float64(perByte))
	long := p.long(t, "1.1")
	<-p.begun
	kept := dial(t, p.addr)
	p.age(10 * time.Hour)
	send(t, kept, "/short")
	p.wait(t, "the short request has arrived", func(g *Gate) bool { return g.fifo.Len() == 1 || g.othersWait() })
	p.end <- struct{}{}
	answer(t, long)
	answer(t, kept)
	if first := <-p.ended; first != "/long" {
		t.Errorf("%s was computed first", first)
	}
}

// age makes the request that computes older, as if it had been interrupted for d.
func (s *server) age(d time.Duration) {
	s.g.mu.Lock()
	s.g.running.Front().Value.(*Request).from -= int64(d)
	s.g.mu.Unlock()
}

// Short requests interrupt a long one however long that has waited before it began, and
// however long the next long one has waited. It is not short ones that they have waited for.
func TestLongRequestsThatWaitedAreInterrupted(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	var long []net.Conn
	for n := range 3 {
		long = append(long, p.long(t, "1.1"))
		p.wait(t, "it has arrived", func(g *Gate) bool { return g.taken == 1 && g.fifo.Len() == n })
	}
	p.g.mu.Lock()
	for at := p.g.fifo.Front(); at != nil; at = at.Next() {
		e := at.Value.(*entry)
		e.c.whole -= int64(10 * time.Hour)
		e.due -= int64(10 * time.Hour)
	}
	p.g.mu.Unlock()
	for _, c := range long {
		<-p.begun
		short := dial(t, p.addr)
		short.SetDeadline(time.Now().Add(20 * time.Second))
		send(t, short, "/short")
		answer(t, short)
		<-p.begun
		p.end <- struct{}{}
		answer(t, c)
	}
}

// A request that has interrupted a longer one is interrupted, too, while that is owed its
// time, but no longer.
func TestInterruptedRequestGoesOn(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	long := p.long(t, "1.1")
	<-p.begun
	other := dial(t, p.addr)
	fmt.Fprintf(other, "POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size/10, strings.Repeat("x", size/10))
	<-p.begun
	p.g.mu.Lock()
	p.g.interrupted().r.from -= int64(10 * time.Hour)
	p.g.mu.Unlock()
	p.wait(t, "the long one computes", func(g *Gate) bool {
		r := g.running.Front()
		return r != nil && r.Value.(*Request).size == size
	})
	// When the long one has had its part, it gives way again: as long as the other one is
	// interrupted, no short one may begin.
	p.g.mu.Lock()
	p.g.running.Front().Value.(*Request).from = board.Now()
	p.g.interrupted().r.from += int64(10 * time.Hour) // it is not owed its time
	p.g.mu.Unlock()
	p.wait(t, "the other one computes", func(g *Gate) bool {
		r := g.running.Front()
		return r != nil && r.Value.(*Request).size == size/10
	})
	p.end <- struct{}{}
	answer(t, other)
	p.end <- struct{}{}
	answer(t, long)
}

// Requests wait in the order of their due times.
func TestInsert(t *testing.T) {
	g := &Gate{pace: 1}
	for i, size := range []int{50, 0, 100, 0, 50, 1} {
		whole := int64(i)
		insert(&g.fifo, &entry{whole: whole, due: g.dueAt(whole, size)})
	}
	var order []int64
	for at := g.fifo.Front(); at != nil; at = at.Next() {
		order = append(order, at.Value.(*entry).whole)
	}
	if want := []int64{1, 3, 5, 0, 4, 2}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
}

// A computation ends when its client has closed the connection. It goes on if the client
// has closed only its sending side: such a client gets its answer.
func TestComputationOfAClientThatLeaves(t *testing.T) {
	for _, o := range []Options{{Sync: true}, {Limits: limits.Limits{Threads: 1}}} {
		t.Run(fmt.Sprintf("sync %v", o.Sync), func(t *testing.T) {
			p := servePieces(t, o)
			c := p.long(t, "1.1")
			<-p.begun
			c.Close()
			if err := <-p.gone; !errors.Is(err, ErrGone) {
				t.Errorf("the computation failed with %v", err)
			}
			for version, want := range map[string]string{
				"1.1": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 x\r\n",
				"1.0": "HTTP/1.1 200 x\r\n",
			} {
				c := p.long(t, version)
				<-p.begun
				if err := c.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if version == "1.1" {
					p.wait(t, "the client is asked", func(g *Gate) bool {
						r := g.running.Front()
						return r != nil && r.Value.(*Request).c.c.asked
					})
				}
				var all strings.Builder
				var read sync.WaitGroup
				read.Go(func() { io.Copy(&all, c) })
				p.end <- struct{}{}
				read.Wait()
				if !strings.HasPrefix(all.String(), want) {
					t.Errorf("HTTP/%s gets %q", version, all.String())
				}
			}
		})
	}
}

// A worker with an interrupted computation is not idle, not even in the moment in which its
// place is free. Its siblings would give it requests, and it takes them only when the long
// computation has ended.
func TestInterruptedIsNotIdle(t *testing.T) {
	g := &Gate{o: Options{Limits: limits.Limits{Threads: 1}}, pace: 1, stage: open}
	g.showQueue()
	if g.share.idle == 0 {
		t.Error("a worker without requests is not idle")
	}
	insert(&g.paused, &entry{size: size, begun: true})
	g.showQueue()
	if g.share.idle != 0 {
		t.Error("a worker with an interrupted computation is idle")
	}
}
