package gate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/limits"
)

// parking returns a server that parks its idle connections, and the master's end of the
// pair for the test.
func parking(t *testing.T, o Options, handle func(*http.Request) int) (s *server, master int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]) })
	s = parkingAt(t, fds[1], o, handle)
	unix.Close(fds[1])
	return s, fds[0]
}

// parkingAt returns a server that parks its idle connections on end, the workers' end of a
// pair.
func parkingAt(t *testing.T, end int, o Options, handle func(*http.Request) int) *server {
	t.Helper()
	var files [2]*os.File
	for i := range files {
		fd, err := unix.FcntlInt(uintptr(end), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = os.NewFile(uintptr(fd), "workers' end")
	}
	o.Park = files[0]
	var s *server
	t.Cleanup(func() {
		// The gate parks connections until it has ended. If the file were closed before,
		// it would write to what has the number of its descriptor then.
		s.wait(t, "the gate has ended", func(g *Gate) bool { return g.closing })
		files[0].Close()
	})
	s = serve(t, o, 0, handle)
	if err := s.g.Unpark(files[1]); err != nil {
		t.Fatal(err)
	}
	return s
}

// parked waits until the worker has passed a connection to the master, and returns it.
func parked(t *testing.T, master int) int {
	t.Helper()
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(master), Events: unix.POLLIN}}, 20_000); err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
		fd, _, err := park.Take(master)
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
}

// unpark waits until data has arrived on a connection and passes it to the worker, as the
// master does.
func unpark(t *testing.T, master, fd int) {
	t.Helper()
	for !park.Readable(fd) {
		time.Sleep(time.Millisecond)
	}
	if err := park.Pass(master, fd, 0); err != nil {
		t.Fatal(err)
	}
}

func ok(*http.Request) int { return 200 }

// withLot returns a server that parks its idle connections with a park.Lot, as in a real
// master.
func withLot(t *testing.T, o Options, handle func(*http.Request) int) (*server, *park.Lot) {
	t.Helper()
	lot, err := park.New(100, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	lot.Start()
	t.Cleanup(func() {
		lot.End(0)
		<-lot.Done()
		lot.Close()
	})
	return parkingAt(t, int(lot.Workers().Fd()), o, handle), lot
}

// An idle connection goes to the master, and comes back with its next request. The same
// holds for a connection that has had no request yet.
func TestParks(t *testing.T) {
	s, lot := withLot(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, ok)
	used, unused := dial(t, s.addr), dial(t, s.addr)
	for range 5 {
		send(t, used, "/")
		if resp := answer(t, used); resp.StatusCode != 200 || resp.Close {
			t.Fatalf("answer %d, close %v", resp.StatusCode, resp.Close)
		}
		s.wait(t, "nothing is open", func(g *Gate) bool { return len(g.clients) == 0 && lot.Len() == 2 })
	}
	send(t, unused, "/")
	answer(t, unused)
}

// A connection with half a request stays in the worker until the request is answered.
func TestHalfARequestStays(t *testing.T) {
	s, master := parking(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, ok)
	c := dial(t, s.addr)
	fd := parked(t, master)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo")
	unpark(t, master, fd)
	answer(t, c)
	s.wait(t, "it waits for the other half", func(g *Gate) bool {
		return g.partial == 1
	})
	fmt.Fprint(c, "st: x\r\n\r\n")
	answer(t, c)
}

// A worker that leaves parks its connections, even those that were busy, and its answers do
// not say Connection: close. It can park although it takes no connections any more.
func TestDrainParks(t *testing.T) {
	release := make(chan struct{})
	s, master := parking(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, func(*http.Request) int { <-release; return 200 })
	c := dial(t, s.addr)
	fd := parked(t, master)
	send(t, c, "/")
	unpark(t, master, fd)
	s.wait(t, "one computes", func(g *Gate) bool { return g.taken == 1 })
	drained := make(chan error, 1)
	go func() { drained <- s.g.Drain(t.Context(), Departure{Linger: time.Hour}) }()
	s.wait(t, "it takes nothing", func(g *Gate) bool { return len(g.sources) == 0 })
	send(t, c, "/") // the next worker would answer this
	release <- struct{}{}
	if resp := answer(t, c); resp.StatusCode != 200 || resp.Close {
		t.Errorf("answer %d, close %v", resp.StatusCode, resp.Close)
	}
	parked(t, master)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// When the service ends, the worker parks no connection. It serves parked ones until the
// master has no more.
func TestLastDrainTakesWhatIsParked(t *testing.T) {
	s, master := parking(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, ok)
	c := dial(t, s.addr)
	fd := parked(t, master)
	drained := make(chan error, 1)
	s.g.Last()
	go func() { drained <- s.g.Drain(t.Context(), Departure{}) }()
	s.wait(t, "it accepts nothing", func(g *Gate) bool { return g.stage >= closed })
	send(t, c, "/")
	unpark(t, master, fd)
	unix.Close(fd)
	if resp := answer(t, c); resp.StatusCode != 200 || !resp.Close {
		t.Errorf("answer %d, close %v", resp.StatusCode, resp.Close)
	}
	if err := unix.Shutdown(master, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// A client that sends without a pause, because it does not wait for answers, does not keep
// other clients out. At WorkerConnections an answer to it says Connection: close.
func TestPipelinedFlood(t *testing.T) {
	t.Run("below the limit", func(t *testing.T) { pipelinedFlood(t, 9, false) })
	t.Run("at the limit", func(t *testing.T) { pipelinedFlood(t, 1, true) })
}

func pipelinedFlood(t *testing.T, connections int, atCap bool) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: connections}}, 0, ok)
	greedy := dial(t, s.addr)
	go func() {
		// Many requests in one write: otherwise the server could find the connection idle
		// when this goroutine is slow.
		many := strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2000)
		for {
			if _, err := io.WriteString(greedy, many); err != nil {
				return
			}
		}
	}()
	br := bufio.NewReader(greedy)
	answers := func(enough func(*http.Response) bool) {
		for {
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatalf("the flood's next answer: %v", err)
			}
			io.Copy(io.Discard, resp.Body)
			if enough(resp) {
				return
			}
		}
	}
	n := 0
	answers(func(*http.Response) bool { n++; return n > 2*mostInARow }) // no other client is connected
	c := dial(t, s.addr)
	send(t, c, "/")
	if atCap {
		answers(func(resp *http.Response) bool { return resp.Close })
	} else {
		go io.Copy(io.Discard, greedy)
	}
	answer(t, c)
}

// askOnAndOn sends requests on one connection until stop is closed. The connection must
// stay open.
func askOnAndOn(t *testing.T, c net.Conn, stop <-chan struct{}, answered func()) {
	br := bufio.NewReader(c)
	for {
		select {
		case <-stop:
			return
		default:
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.Close {
			t.Errorf("a kept connection: %v, %v", resp, err)
			return
		}
		io.Copy(io.Discard, resp.Body)
		answered()
	}
}

// New connections and kept ones that are used without a pause take turns, also without
// parking: a new client does not wait for dozens of requests on kept connections.
func TestKeptConnectionsLetNewcomersIn(t *testing.T) {
	var served, turn atomic.Int32
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, 0, func(r *http.Request) int {
		n := served.Add(1)
		if r.URL.Path == "/new" {
			turn.Store(n)
		}
		time.Sleep(2 * time.Millisecond)
		return 200
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		c := dial(t, s.addr)
		wg.Go(func() { askOnAndOn(t, c, stop, func() {}) })
	}
	s.wait(t, "two kept connections", func(g *Gate) bool { return len(g.clients) == 2 && served.Load() > 10 })
	for range 20 {
		c := dial(t, s.addr)
		send(t, c, "/new")
		before := served.Load()
		answer(t, c)
		if n := turn.Load() - before; n > mostInARow/2 {
			t.Errorf("a newcomer waited for %d requests of two kept connections", n-1)
		}
		c.Close()
	}
	close(stop)
	wg.Wait()
}

// With parking, too, new clients and clients that use their connections without a pause
// take turns.
func TestNobodyStarves(t *testing.T) {
	s, _ := withLot(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, ok)
	stop := make(chan struct{})
	var kept atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		c := dial(t, s.addr)
		wg.Go(func() { askOnAndOn(t, c, stop, func() { kept.Add(1) }) })
	}
	for i := 0; i < 50 || kept.Load() < 50; i++ {
		c := dial(t, s.addr)
		send(t, c, "/")
		answer(t, c)
		c.Close()
	}
	close(stop)
	wg.Wait()
}

// At WorkerConnections the gate closes the connection that has been idle for longest to
// accept a new one. It does not close a connection with a part of a request.
func TestCapReapsTheLongestIdle(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 3, WorkerConnections: 3}}, 0, ok)
	var idle [2]net.Conn
	for i := range idle {
		idle[i] = dial(t, s.addr)
		send(t, idle[i], "/")
		answer(t, idle[i])
		s.wait(t, "it is idle", func(g *Gate) bool { return g.idle == i+1 })
	}
	first, second := idle[0], idle[1]
	busy := dial(t, s.addr)
	fmt.Fprint(busy, "GET / HTTP/1.1\r\n")
	s.wait(t, "full", func(g *Gate) bool { return len(g.clients) == 3 })
	newcomer := dial(t, s.addr)
	send(t, newcomer, "/")
	answer(t, newcomer)
	if n, err := first.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the longest idle: read %d, %v; want EOF", n, err)
	}
	send(t, second, "/")
	answer(t, second)
	fmt.Fprint(busy, "Host: x\r\n\r\n")
	answer(t, busy)
}

// At WorkerConnections idle connections stay open while no client waits.
func TestCapAloneReapsNobody(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 1}}, 0, ok)
	c := dial(t, s.addr)
	for range 3 {
		send(t, c, "/")
		answer(t, c)
		s.wait(t, "it is idle", func(g *Gate) bool { return g.idle == 1 })
	}
	c.SetReadDeadline(time.Now())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
}

// After Rebalance, the next answer on every open connection says Connection: close.
func TestRebalance(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, 0, ok)
	c := dial(t, s.addr)
	send(t, c, "/")
	if resp := answer(t, c); resp.Close {
		t.Fatal("closed before")
	}
	s.g.Rebalance()
	send(t, c, "/")
	if resp := answer(t, c); !resp.Close {
		t.Error("not told to close")
	}
	later := dial(t, s.addr)
	send(t, later, "/")
	if resp := answer(t, later); resp.Close {
		t.Error("one that came later is told to close")
	}
}

// A request that has arrived on an idle connection is answered, even if the gate has not
// handled its event yet when it wants to close the connection.
func TestArrivedInTheLastMoment(t *testing.T) {
	for _, end := range []string{"drain", "cap", "time-out"} {
		t.Run(end, func(t *testing.T) {
			s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 1}}, 0, ok)
			c := dial(t, s.addr)
			send(t, c, "/")
			answer(t, c)
			s.wait(t, "it is idle", func(g *Gate) bool { return g.idle == 1 })
			s.g.mu.Lock()
			send(t, c, "/") // on loopback the request has arrived when send returns
			var k *client
			for _, k = range s.g.clients {
			}
			switch end {
			case "drain":
				s.g.stage = hangUp
				k.expire(time.Now())
			case "cap":
				s.g.reap()
			case "time-out":
				k.until = time.Now().Add(-time.Second)
				k.expire(time.Now())
			}
			s.g.proceed()
			s.g.mu.Unlock()
			answer(t, c)
		})
	}
}
