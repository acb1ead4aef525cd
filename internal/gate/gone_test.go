package gate

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/limits"
)

// A request whose client hangs up while it waits leaves the queue at once, and its memory is
// free. It does not matter whether the end comes with the request or later.
func TestClientsThatHangUpWhileTheyWait(t *testing.T) {
	const clients, body = 8, 100_000
	for _, test := range []struct {
		name  string
		start func(o Options, handle func(*http.Request) int) *server
		o     Options
	}{
		{"concurrent", func(o Options, handle func(*http.Request) int) *server { return serve(t, o, 0, handle) }, Options{}},
		{"parked", func(o Options, handle func(*http.Request) int) *server {
			s, _ := withLot(t, o, handle)
			return s
		}, Options{}},
		{"sync", func(o Options, handle func(*http.Request) int) *server { return serve(t, o, 0, handle) }, Options{Sync: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			release := make(chan struct{})
			// With a LimitConcurrency connections are taken although no place is free.
			test.o.Limits = limits.Limits{Threads: 1, WorkerConnections: 100, LimitConcurrency: 100}
			s := test.start(test.o, func(*http.Request) int { <-release; return 200 })
			busy := dial(t, s.addr)
			send(t, busy, "/")
			s.wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
			var conns []net.Conn
			for i := range clients {
				c := dial(t, s.addr)
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", body, strings.Repeat("x", body))
				if i%2 == 0 {
					c.Close()
				} else {
					conns = append(conns, c)
				}
			}
			s.wait(t, "half of them wait", func(g *Gate) bool { return g.fifo.Len() == clients/2 && g.memory < (clients/2+1)*body })
			for _, c := range conns {
				c.Close()
			}
			s.wait(t, "none waits", func(g *Gate) bool {
				return g.fifo.Len() == 0 && g.memory < body && len(g.clients) == 1 && g.inflight == 1 && g.taken == 1
			})
			close(release)
			answer(t, busy)
		})
	}
}

// A computation that was interrupted ends when its client has hung up, before it gets its
// place again.
func TestInterruptedComputationOfAClientThatLeaves(t *testing.T) {
	p := servePieces(t, Options{Limits: limits.Limits{Threads: 1}})
	long := p.long(t, "1.1")
	<-p.begun
	other := dial(t, p.addr)
	fmt.Fprintf(other, "POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size/10, strings.Repeat("x", size/10))
	<-p.begun
	long.Close()
	if err := <-p.gone; !errors.Is(err, ErrGone) {
		t.Errorf("the computation failed with %v", err)
	}
	p.wait(t, "only the other one is left", func(g *Gate) bool { return len(g.clients) == 1 && g.taken == 1 && g.paused.Len() == 0 })
	p.end <- struct{}{}
	answer(t, other)
}

// A request that waits for its next computation ends when its client hangs up, while another
// one has the place.
func TestClientThatHangsUpBetweenComputations(t *testing.T) {
	for _, rests := range []bool{false, true} {
		g, addr := listening(t, Options{Limits: limits.Limits{Threads: 1}})
		c := dial(t, addr)
		send(t, c, "/batch")
		r, end := begin(t, g)
		send(t, dial(t, addr), "/other")
		next := make(chan error)
		var endOther func()
		if rests {
			r.Rest()
			_, endOther = begin(t, g)
			c.Close()
			for hup := false; !hup; { // the gate learns of the end before the request waits
				g.mu.Lock()
				hup = r.c.c.hup
				g.mu.Unlock()
			}
			go func() { next <- r.Enter() }()
		} else {
			g.looked.Store(0) // look again at once
			go func() { next <- r.Next(1, 0) }()
			_, endOther = begin(t, g)
		}
		c.Close()
		if err := <-next; !errors.Is(err, ErrGone) {
			t.Errorf("rests %v: %v, want %v", rests, err, ErrGone)
		}
		if _, taken, _ := g.numbers(); taken != 1 {
			t.Errorf("rests %v: %d places are taken, want that of the other request", rests, taken)
		}
		end()
		endOther()
		if _, taken, _ := g.numbers(); taken != 0 {
			t.Errorf("rests %v: %d places are taken at the end", rests, taken)
		}
	}
}
