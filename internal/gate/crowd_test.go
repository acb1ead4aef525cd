package gate

import (
	"net"
	"net/http"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/limits"
)

// If the kernel's queue is more than half full, a worker accepts without a free place. It
// never holds more than WorkerConnections connections, and a sync worker does not do this.
// All clients are answered.
func TestLongQueueIsAccepted(t *testing.T) {
	const clients, backlog = 12, 16
	for _, test := range []struct {
		name string
		o    Options
		want int // connections while one request computes
	}{
		{"concurrent", Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, clients - backlog/2},
		{"limit of connections", Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 3}}, 3},
		{"sync", Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}, Sync: true}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, others := make(chan struct{}), make(chan struct{})
			s := serve(t, test.o, 0, func(r *http.Request) int {
				if r.URL.Path == "/first" {
					<-first
				} else {
					<-others
				}
				return 200
			})
			s.backlog(t, backlog)
			c := dial(t, s.addr)
			send(t, c, "/first")
			s.wait(t, "the first computes", func(g *Gate) bool { return g.taken == 1 })
			var conns []net.Conn
			for range clients {
				c := dial(t, s.addr)
				send(t, c, "/")
				conns = append(conns, c)
			}
			close(first)
			answer(t, c)
			c.Close()
			s.wait(t, "connections are accepted", func(g *Gate) bool { return g.taken == 1 && len(g.clients) == test.want })
			s.g.mu.Lock()
			s.g.look() // takes all that may be taken, because all clients have connected
			if n := len(s.g.clients); n != test.want {
				t.Errorf("then %d connections are accepted, want %d", n, test.want)
			}
			s.g.mu.Unlock()
			close(others)
			for _, c := range conns {
				answer(t, c)
				c.Close()
			}
		})
	}
}

// However many connections wait, the gate handles other events after takeAtMost of them.
// Otherwise silent connections would hold up all other clients until the last was taken.
func TestSilentQueueIsTakenInPieces(t *testing.T) {
	const silent = 3 * takeAtMost
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 1000}}, 0, func(*http.Request) int { return 200 })
	s.wait(t, "the server accepts", func(g *Gate) bool { return g.begun })
	s.g.mu.Lock()
	for range silent {
		dial(t, s.addr)
	}
	s.g.look()
	taken := len(s.g.clients)
	s.g.mu.Unlock()
	if taken != takeAtMost {
		t.Errorf("%d connections were taken at once, want %d", taken, takeAtMost)
	}
	s.wait(t, "all are taken", func(g *Gate) bool { return len(g.clients) == silent })
}

// backlog sets the limit of the kernel's queue to n.
func (s *server) backlog(t *testing.T, n int) {
	t.Helper()
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	for fd := range s.g.sources {
		if err := unix.Listen(fd, n); err != nil {
			t.Fatal(err)
		}
	}
}

// The time that a connection has waited in the kernel's queue is counted.
func TestAcceptWaitIsCounted(t *testing.T) {
	words := make([]uint64, metrics.PageSize/8)
	page := metrics.NewPage(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), metrics.PageSize))
	line := &board.Line{}
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}, Counts: page, Line: line}, 0, func(*http.Request) int { return 200 })
	for range 3 {
		c := dial(t, s.addr)
		send(t, c, "/")
		answer(t, c)
		c.Close()
	}
	sum := metrics.NewSum(metrics.Totals{})
	sum.AddPage(page)
	if h := sum.Totals().Histograms(metrics.Find(metrics.AcceptWait)); len(h) != 1 || h[0].Count != 3 {
		t.Errorf("after 3 connections there is %+v", h)
	}
	if line.Read().Arrived <= 0 {
		t.Error("the board does not say when the last connection came")
	}
}
