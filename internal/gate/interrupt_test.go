package gate

import (
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

	"github.com/narwhal-server/narwhal/limits"
)

// pieces is a server whose long computations go on piece by piece until the test ends
// them. Its requests have the paths /long and /short.
type pieces struct {
	*server
	begun chan string   // the path of each request that begins to compute
	ended chan string   // the path of each request that is computed
	end   chan struct{} // a value ends one long computation
	gone  chan error    // what a long computation failed with
}

// slowPace is in nanoseconds for a byte. With it a body of size bytes takes so long that
// every short request of a test comes before the long one is due.
const slowPace, size = 1e8, 10_000

func servePieces(t *testing.T, o Options) *pieces {
	t.Helper()
	p := &pieces{begun: make(chan string, 100), ended: make(chan string, 100), end: make(chan struct{}), gone: make(chan error, 1)}
	o.WorkerConnections = 100
	p.server = serve(t, o, 0, nil)
	p.g.mu.Lock()
	p.g.pace = slowPace
	p.g.mu.Unlock()
	compute := func(r *Request, req *http.Request) int {
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
	p.mu.Lock()
	p.compute = compute
	p.mu.Unlock()
	return p
}

// long sends a request that is computed until the test ends it.
func (p *pieces) long(t *testing.T, version string) net.Conn {
	t.Helper()
	c := dial(t, p.addr)
	if _, err := fmt.Fprintf(c, "POST /long HTTP/%s\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", version, size, strings.Repeat("x", size)); err != nil {
		t.Fatal(err)
	}
	return c
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
	p.g.mu.Lock()
	p.g.pace = float64(worthwhile) / size / 2
	p.g.mu.Unlock()
	first := p.long(t, "1.1")
	<-p.begun
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

// A long request does not interrupt another one that is about as long, even if it is due
// first, so few computations keep memory while they wait. A short one interrupts both.
func TestLongRequestsDoNotInterruptEachOther(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	pace := func(x float64) {
		p.g.mu.Lock()
		p.g.pace = x
		p.g.mu.Unlock()
	}
	pace(float64(perByte))
	var long []net.Conn
	for n := range 5 {
		long = append(long, p.long(t, "1.1"))
		p.wait(t, "the request has arrived", func(g *Gate) bool { return g.taken == 1 && g.fifo.Len() == n })
	}
	pace(slowPace) // the first one is now due after the others, whose due times are known
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
	small, large := &entry{due: 1, size: 50}, &entry{due: 1, size: 51}
	half, other := &entry{due: 3, size: 100, begun: true}, &entry{due: 2, size: 100}
	for i, c := range []struct {
		fifo, paused []*entry
		want         *entry
	}{
		{nil, nil, nil},
		{[]*entry{large}, nil, large},
		{nil, []*entry{half}, half},
		{[]*entry{small}, []*entry{half}, small},
		{[]*entry{large}, []*entry{half}, half},
		{[]*entry{large}, []*entry{other}, large},       // no computation was interrupted
		{[]*entry{large}, []*entry{other, half}, half},  // nor may the other one begin
		{nil, []*entry{other, half}, half},              // without a request that waits
		{[]*entry{small}, []*entry{other, half}, small}, // it is due first
		{[]*entry{{due: 4}}, []*entry{half}, half},      // it is due later
		{[]*entry{{due: 4}}, []*entry{other}, other},    // the same, between computations
	} {
		g := &Gate{}
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
	p.g.mu.Lock()
	p.g.pace = float64(perByte)
	p.g.mu.Unlock()
	long := p.long(t, "1.1")
	<-p.begun
	kept := dial(t, p.addr)
	p.g.mu.Lock()
	p.g.running.Front().Value.(*Request).whole -= int64(time.Hour) // as if it had waited so long
	p.g.mu.Unlock()
	send(t, kept, "/short")
	p.wait(t, "the short request has arrived", func(g *Gate) bool { return g.fifo.Len() == 1 || g.othersWait() })
	p.end <- struct{}{}
	answer(t, long)
	answer(t, kept)
	if first := <-p.ended; first != "/long" {
		t.Errorf("%s was computed first", first)
	}
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
