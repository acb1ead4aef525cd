package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/limits"
)

// server is a small HTTP server on a gate. It calls its handler between Enter and End.
type server struct {
	g    *Gate
	addr string
	done chan error

	mu      sync.Mutex
	accepts int
	compute func(*Request, *http.Request) int // if it is set, it is called instead of the handler
}

func serve(t *testing.T, o Options, delay time.Duration, handle func(*http.Request) int) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file := rawFile(t, ln.(*net.TCPListener))
	s := &server{g: New(o), addr: ln.Addr().String(), done: make(chan error, 1)}
	ln.Close()
	if err := s.g.Listen(file); err != nil {
		t.Fatal(err)
	}
	go s.accept(delay, handle)
	t.Cleanup(s.g.Stop)
	return s
}

// accept serves connections until the gate has ended.
func (s *server) accept(delay time.Duration, handle func(*http.Request) int) {
	for {
		c, err := s.g.Accept()
		if err != nil {
			s.done <- err
			return
		}
		s.mu.Lock()
		s.accepts++
		compute := s.compute
		s.mu.Unlock()
		go s.conn(c, delay, handle, compute)
	}
}

func (s *server) conn(c net.Conn, delay time.Duration, handle func(*http.Request) int, compute func(*Request, *http.Request) int) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, req.Body)
		req.RemoteAddr = c.RemoteAddr().String()
		r := s.g.Begin(c, Info{Method: req.Method, Path: req.URL.Path, Size: int(n)})
		status := 503
		if !r.Over() {
			if r.Wait(delay) != nil || r.Enter() != nil {
				r.End(499)
				return
			}
			if compute != nil {
				status = compute(r, req)
			} else {
				status = handle(req)
			}
		}
		drain := r.Closes()
		r.End(status)
		connection := "keep-alive"
		if drain || req.Close {
			connection = "close"
		}
		body := "ok"
		if n, err := strconv.Atoi(req.Header.Get("X-Long")); err == nil {
			body = strings.Repeat("x", n)
		}
		fmt.Fprintf(c, "HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s", status, len(body), connection, body)
		if connection == "close" {
			return
		}
	}
}

// rawFile copies a listener's descriptor as the master does.
func rawFile(t testing.TB, ln *net.TCPListener) *os.File {
	t.Helper()
	rc, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	rc.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 3) })
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), ln.Addr().String())
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, c net.Conn, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

func answer(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	io.Copy(io.Discard, resp.Body)
	return resp
}

// wait waits until ok returns true. It calls ok with g.mu held.
func (s *server) wait(t *testing.T, what string, ok func(*Gate) bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		s.g.mu.Lock()
		good := ok(s.g)
		s.g.mu.Unlock()
		if good {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestOnePlaceOneRequest(t *testing.T) {
	var at, most atomic.Int32
	release := make(chan struct{})
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, 0, func(*http.Request) int {
		most.Store(max(most.Load(), at.Add(1)))
		<-release
		at.Add(-1)
		return 200
	})
	var conns []net.Conn
	for range 5 {
		c := dial(t, s.addr)
		send(t, c, "/")
		conns = append(conns, c)
		s.wait(t, "one request computes", func(g *Gate) bool { return g.taken == 1 })
	}
	s.mu.Lock()
	accepts := s.accepts
	s.mu.Unlock()
	if accepts != 1 {
		t.Errorf("with its one place taken the worker accepted %d connections, want 1", accepts)
	}
	close(release)
	for _, c := range conns {
		answer(t, c)
	}
	if most.Load() != 1 {
		t.Errorf("%d requests computed at once, want 1", most.Load())
	}
}

func TestSilentClientsHoldNoPlace(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, 0, func(*http.Request) int { return 200 })
	for range 4 {
		dial(t, s.addr)
	}
	half := dial(t, s.addr)
	fmt.Fprint(half, "GET / HTTP/1.1\r\nHo")
	c := dial(t, s.addr)
	send(t, c, "/")
	if got := answer(t, c).StatusCode; got != 200 {
		t.Errorf("behind silent clients: %d", got)
	}
	fmt.Fprint(half, "st: x\r\n\r\n")
	if got := answer(t, half).StatusCode; got != 200 {
		t.Errorf("the slow client: %d", got)
	}
}

func TestDelayHoldsNoPlace(t *testing.T) {
	const n = 50
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, time.Hour, func(*http.Request) int { return 200 })
	var conns []net.Conn
	for range n {
		c := dial(t, s.addr)
		send(t, c, "/")
		conns = append(conns, c)
	}
	s.wait(t, "all wait at once", func(g *Gate) bool { return g.inflight == n && g.taken == 0 })
	for _, c := range conns {
		c.Close()
	}
	s.wait(t, "clients that hung up end their delay", func(g *Gate) bool { return g.inflight == 0 && len(g.clients) == 0 })
}

func TestSyncDelayHoldsThePlace(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{WorkerConnections: 100}, Sync: true}, time.Hour, func(*http.Request) int { return 200 })
	first := dial(t, s.addr)
	send(t, first, "/")
	s.wait(t, "one waits, with its place", func(g *Gate) bool { return g.inflight == 1 && g.taken == 1 })
	send(t, dial(t, s.addr), "/")
	first.Close()
	s.wait(t, "the next has its turn", func(g *Gate) bool { return g.answered == 1 && g.taken == 1 && len(g.clients) == 1 })
}

func TestConnectionsCap(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 2, WorkerConnections: 3}}, time.Hour, func(*http.Request) int { return 200 })
	var conns []net.Conn
	for range 6 {
		c := dial(t, s.addr)
		send(t, c, "/")
		conns = append(conns, c)
	}
	s.wait(t, "three are open", func(g *Gate) bool { return len(g.clients) == 3 })
	for range 3 {
		conns[0].Close()
		conns = conns[1:]
		s.wait(t, "never more than three", func(g *Gate) bool {
			if len(g.clients) > 3 {
				t.Errorf("%d connections open, want at most 3", len(g.clients))
			}
			return len(g.clients) == 3 && g.inflight == 3
		})
	}
}

func TestOrderOfArrival(t *testing.T) {
	var mu sync.Mutex
	var order []string
	first := make(chan struct{})
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100, LimitConcurrency: 100}}, 0, func(r *http.Request) int {
		if r.URL.Path == "/first" {
			<-first
		}
		mu.Lock()
		order = append(order, r.URL.Path)
		mu.Unlock()
		return 200
	})
	c := dial(t, s.addr)
	send(t, c, "/first")
	s.wait(t, "the first computes", func(g *Gate) bool { return g.taken == 1 })
	want := []string{"/first"}
	var conns []net.Conn
	for i := range 10 {
		c := dial(t, s.addr)
		path := fmt.Sprintf("/%d", i)
		send(t, c, path)
		s.wait(t, path+" waits", func(g *Gate) bool { return g.fifo.Len() == i+1 })
		conns = append(conns, c)
		want = append(want, path)
	}
	close(first)
	for _, c := range conns {
		answer(t, c)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(order, " "); got != strings.Join(want, " ") {
		t.Errorf("served in the order %s", got)
	}
}

func TestLimitIsExact(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100, LimitConcurrency: 4}}, time.Hour, func(*http.Request) int { return 200 })
	for i := range 4 {
		send(t, dial(t, s.addr), "/")
		s.wait(t, "taken", func(g *Gate) bool { return g.inflight == i+1 })
	}
	for range 3 {
		c := dial(t, s.addr)
		send(t, c, "/")
		if got := answer(t, c).StatusCode; got != 503 {
			t.Errorf("the fifth got %d, want 503", got)
		}
	}
}

func TestMaxRequests(t *testing.T) {
	worn := make(chan struct{}, 9)
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9, MaxRequests: 3}, Worn: func() { worn <- struct{}{} }}, 0,
		func(*http.Request) int { return 200 })
	c := dial(t, s.addr)
	for range 9 {
		send(t, c, "/")
		answer(t, c)
	}
	<-worn
	if len(worn) != 0 {
		t.Error("said more than once that the worker is worn")
	}
}

func TestDrainAnswersTheQueue(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, 0, func(*http.Request) int { <-release; return 200 })
	var conns []net.Conn
	for range 20 {
		c := dial(t, s.addr)
		send(t, c, "/")
		conns = append(conns, c)
	}
	s.wait(t, "one computes", func(g *Gate) bool { return g.taken == 1 })
	drained := make(chan error, 1)
	go func() { drained <- s.g.Drain(t.Context(), Departure{Queue: true}) }()
	s.wait(t, "draining", func(g *Gate) bool { return g.stage == emptying })
	close(release)
	for i, c := range conns {
		if resp := answer(t, c); resp.StatusCode != 200 || !resp.Close {
			t.Errorf("answer %d while draining: %d, close %v", i, resp.StatusCode, resp.Close)
		}
		c.Close()
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := <-s.done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ended with %v", err)
	}
}

func TestDrainLeavesTheQueueToSiblings(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 1)
	go func() {
		_, err := g.Accept()
		accepted <- err
	}()
	if err := g.Drain(t.Context(), Departure{}); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Fatalf("Accept returned %v", err)
	}
	c := dial(t, ln.Addr().String())
	send(t, c, "/")
	sibling, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sibling.Close()
}

func TestDrainClosesIdleConnections(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 2, WorkerConnections: 9}}, 0, func(*http.Request) int { return 200 })
	idle, fresh, busy := dial(t, s.addr), dial(t, s.addr), dial(t, s.addr)
	send(t, idle, "/")
	answer(t, idle)
	fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: x\r\nContent-")
	s.wait(t, "three open and waiting", func(g *Gate) bool {
		return g.idle == 2 && g.partial == 1
	})
	drained := make(chan error, 1)
	go func() { drained <- s.g.Drain(t.Context(), Departure{}) }()
	for _, c := range []net.Conn{idle, fresh} {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("idle connection: read %d, %v; want EOF", n, err)
		}
	}
	fmt.Fprint(busy, "Length: 0\r\n\r\n")
	if resp := answer(t, busy); resp.StatusCode != 200 || !resp.Close {
		t.Errorf("request under way at the drain: %d, close %v", resp.StatusCode, resp.Close)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// Clients that use their kept connections within Departure.Linger lose no request when the
// worker drains: the next answer says Connection: close.
// A client that has connected just before the drain gets its answer, although the worker
// does not linger for idle connections.
func TestDrainWaitsForNewcomers(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{WorkerConnections: 10}}, 0, ok)
	c := dial(t, s.addr)
	s.wait(t, "it is accepted", func(g *Gate) bool {
		for _, c := range g.clients {
			c.since = time.Now().Add(time.Hour) // so that the test does not depend on the machine's pace
			return true
		}
		return false
	})
	drained := make(chan error, 1)
	go func() { drained <- s.g.Drain(t.Context(), Departure{}) }()
	s.wait(t, "idle connections are closed", func(g *Gate) bool { return g.stage == hangUp })
	send(t, c, "/")
	answer(t, c)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainUnderKeepAliveLoad(t *testing.T) {
	for range 5 {
		s := serve(t, Options{Limits: limits.Limits{Threads: 2, WorkerConnections: 100}}, 0, func(*http.Request) int { return 200 })
		var wg sync.WaitGroup
		var lost atomic.Int32
		for range 8 {
			c := dial(t, s.addr)
			wg.Go(func() {
				br := bufio.NewReader(c)
				for {
					fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					resp, err := http.ReadResponse(br, nil)
					if err != nil {
						lost.Add(1)
						return
					}
					io.Copy(io.Discard, resp.Body)
					if resp.Close {
						return
					}
				}
			})
		}
		s.wait(t, "busy", func(g *Gate) bool { return g.answered > 50 })
		if err := s.g.Drain(t.Context(), Departure{Queue: true, Linger: time.Minute}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if lost.Load() != 0 {
			t.Fatalf("%d requests lost", lost.Load())
		}
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, time.Hour, func(*http.Request) int { return 200 })
	send(t, dial(t, s.addr), "/")
	s.wait(t, "waits", func(g *Gate) bool { return g.inflight == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.g.Drain(ctx, Departure{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain returned %v", err)
	}
}

// After a refused request a client that neither sends nor closes is closed, too.
func TestLingeringEnds(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, 0, func(*http.Request) int { return 200 })
	c := dial(t, s.addr)
	io.WriteString(c, "GET / HTTP/1.1\n")
	if _, err := io.ReadAll(c); err != nil { // the answer ends with the server's sending side
		t.Fatal(err)
	}
	s.wait(t, "it is closed", func(g *Gate) bool { return len(g.clients) == 0 })
}

func TestBigUnreadBodyDoesNotResetTheAnswer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	go func() {
		c, err := g.Accept()
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, c); err == nil {
			t.Error("a body beyond the limit was given to the server")
		}
		io.WriteString(c, "too large")
		c.Close()
	}()
	c := dial(t, ln.Addr().String())
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 4<<20)
	if _, err := c.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if string(got) != "too large" || err != nil {
		t.Errorf("client read %q, %v", got, err)
	}
}

// A server of package net/http works on the gate without a change.
func TestNetHTTP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hi") })}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(g) }()
	for range 3 {
		resp, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(b) != "hi" {
			t.Errorf("got %q", b)
		}
	}
	if err := g.Drain(t.Context(), Departure{}); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve returned %v", err)
	}
}

// If the server closes a Conn without having written an answer, the client's connection
// ends, even if the server has read io.EOF. net/http does this when a handler panics.
func TestUnansweredConnectionEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	defer g.Stop()
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	client := dial(t, ln.Addr().String())
	send(t, client, "/")
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	g.Begin(c, Info{}).End(500)
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Fatal(err)
	}
	c.Close()
	client.SetReadDeadline(time.Now().Add(20 * time.Second))
	if b, err := io.ReadAll(client); err != nil || len(b) > 0 {
		t.Errorf("the client reads %q, %v; want the end of the connection", b, err)
	}
}

// A server sets its rules before its first Accept, so the gate must not read a request
// earlier.
func TestNothingIsReadBeforeTheFirstAccept(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file := rawFile(t, ln.(*net.TCPListener))
	addr := ln.Addr().String()
	ln.Close()
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	defer g.Stop()
	if err := g.Listen(file); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /longer HTTP/1.1\r\nHost: x\r\n\r\n")
	g.mu.Lock()
	g.look()
	if n := len(g.clients); n != 0 {
		t.Errorf("%d connections were taken before the first Accept", n)
	}
	g.mu.Unlock()
	g.Rules(Rules{Limits: http1.Limits{Line: len("GET /long")}})
	conn, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*Conn).Refused(); err == nil {
		t.Error("the request was not read by the rules")
	}
}
