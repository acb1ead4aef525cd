package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"weak"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/limits"
)

// large returns a server whose answers have a body of size bytes.
func large(t *testing.T, o Options, size int) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{g: New(o), addr: ln.Addr().String(), done: make(chan error, 1)}
	file := rawFile(t, ln.(*net.TCPListener))
	ln.Close()
	buffer(t, file, unix.SO_SNDBUF) // connections inherit it
	if err := s.g.Listen(file); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), size)
	go func() {
		for {
			c, err := s.g.Accept()
			if err != nil {
				s.done <- err
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
					return
				}
				r := s.g.Begin(c, Info{})
				_ = r.Enter()
				r.End(200)
				fmt.Fprintf(c, "HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n", len(body))
				c.Write(body)
				io.Copy(io.Discard, c)
			}()
		}
	}()
	t.Cleanup(s.g.Stop)
	return s
}

// dialSlow returns a client with a small receive buffer, so the kernel takes only a little
// of an answer that the client does not read.
func dialSlow(t *testing.T, addr string) net.Conn {
	t.Helper()
	c := dial(t, addr)
	buffer(t, c.(*net.TCPConn), unix.SO_RCVBUF)
	return c
}

// buffer makes the send or receive buffer of a socket small.
func buffer(t *testing.T, socket syscall.Conn, option int) {
	t.Helper()
	rc, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 4096) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
}

// A client that does not read its answer costs a connection and memory. It stops no other
// client, with Sync or without, whatever the answer's size.
func TestClientsThatDoNotRead(t *testing.T) {
	for _, sync := range []bool{true, false} {
		for _, size := range []int{120_000, mostUnsent + 300_000} {
			t.Run(fmt.Sprintf("sync %v, %d bytes", sync, size), func(t *testing.T) {
				s := large(t, Options{Limits: limits.Limits{WorkerConnections: 100}, Sync: sync}, size)
				var mute []net.Conn
				for range 5 {
					c := dialSlow(t, s.addr)
					send(t, c, "/")
					mute = append(mute, c)
				}
				s.wait(t, "all wait to be read", func(g *Gate) bool { return g.answered == len(mute) })
				c := dial(t, s.addr)
				send(t, c, "/")
				if n := bodySize(t, c); n != size {
					t.Errorf("a client beside them got %d bytes, want %d", n, size)
				}
				if size < mostUnsent { // a larger answer takes too long with these buffers
					if n := bodySize(t, mute[0]); n != size {
						t.Errorf("a client that reads at last got %d bytes, want %d", n, size)
					}
				}
				for _, c := range append(mute, c) {
					c.Close()
				}
				s.wait(t, "nothing is held", func(g *Gate) bool { return len(g.clients) == 0 && g.memory == 0 })
			})
		}
	}
}

func bodySize(t *testing.T, c net.Conn) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// At WorkerConnections and at LimitBuffers, the gate closes connections of clients that do
// not read their answers.
func TestClientsThatDoNotReadMakeRoom(t *testing.T) {
	for _, o := range []Options{
		{Limits: limits.Limits{Threads: 1, WorkerConnections: 3}},
		{Limits: limits.Limits{Threads: 1, WorkerConnections: 100, LimitBuffers: 600_000}},
	} {
		s := large(t, o, 300_000)
		for range 3 {
			send(t, dialSlow(t, s.addr), "/")
		}
		c := dial(t, s.addr)
		send(t, c, "/")
		if n := bodySize(t, c); n != 300_000 {
			t.Errorf("got %d bytes", n)
		}
	}
}

// If a client does not take its answer in time, the connection ends.
func TestAnswerNotTakenInTime(t *testing.T) {
	s := large(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, 600_000)
	s.g.Rules(Rules{Timeout: 50 * time.Millisecond})
	c := dialSlow(t, s.addr)
	send(t, c, "/")
	s.wait(t, "it is closed", func(g *Gate) bool { return g.answered == 1 && len(g.clients) == 0 })
	if n, err := io.Copy(io.Discard, c); err == nil && n >= 600_000 {
		t.Error("all of the answer was sent")
	}
}

// At WorkerConnections the gate closes connections of clients that have not sent a whole
// head, as it closes idle ones. It closes the one that has waited for longest first.
func TestStalledHeadsMakeRoom(t *testing.T) {
	for _, o := range []Options{{Limits: limits.Limits{Threads: 1, WorkerConnections: 3}}, {Sync: true, Limits: limits.Limits{WorkerConnections: 3}}} {
		s := serve(t, o, 0, ok)
		for range 3 {
			fmt.Fprint(dial(t, s.addr), "P")
		}
		s.wait(t, "full", func(g *Gate) bool { return g.partial == 3 })
		for range 10 {
			c := dial(t, s.addr)
			send(t, c, "/")
			answer(t, c)
			fmt.Fprint(dial(t, s.addr), "P") // another stalled client takes the room again
		}
	}
}

// At WorkerConnections the gate closes a connection whose body stalls before one of a
// client that has just connected and whose request is on its way.
func TestStalledBodiesMakeRoomFirst(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 9, WorkerConnections: 3}}, 0, ok)
	for range 2 {
		fmt.Fprint(dial(t, s.addr), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
	}
	s.wait(t, "two stall", func(g *Gate) bool {
		for _, c := range g.clients {
			c.since = time.Now().Add(-2 * stalled)
		}
		return g.partial == 2
	})
	fresh := dial(t, s.addr)
	s.wait(t, "full", func(g *Gate) bool { return len(g.clients) == 3 })
	other := dial(t, s.addr)
	send(t, other, "/")
	answer(t, other)
	send(t, fresh, "/")
	answer(t, fresh)
}

// The memory of a request depends on the bytes that have arrived, not on the length that
// the client has announced.
func TestMemoryFollowsTheBytes(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}}, 0, ok)
	s.g.Rules(Rules{Limits: http1.Limits{Body: 1 << 30}})
	for range 20 {
		fmt.Fprintf(dial(t, s.addr), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nx", 1<<30)
		fmt.Fprint(dial(t, s.addr), "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3fffffff\r\nx")
	}
	s.wait(t, "all stall", func(g *Gate) bool { return g.partial == 40 })
	s.wait(t, "they hold little", func(g *Gate) bool { return g.memory < 40*4096 })
}

// At LimitBuffers the request that would exceed it is refused. But if another request has
// stalled for at least a second, that one is ended. Other clients are answered.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 1 << 20
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100, LimitBuffers: bound}}, 0, ok)
	s.g.Rules(Rules{Limits: http1.Limits{Body: bound}})
	most := 0
	for range 6 { // each stalls with a quarter of LimitBuffers
		c := dial(t, s.addr)
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", bound/2, strings.Repeat("x", bound/4))
		s.wait(t, "it is read or refused", func(g *Gate) bool {
			most = max(most, g.memory)
			return g.memory >= bound/2 || g.partial > 0
		})
	}
	if most > bound {
		t.Errorf("%d bytes were held, want at most %d", most, bound)
	}
	// New clients do not wait for the timeout of clients that have stalled for a second.
	s.wait(t, "they have stalled for long", func(g *Gate) bool {
		for _, c := range g.clients {
			c.since = time.Now().Add(-2 * stalled)
		}
		return true
	})
	for range 5 {
		c := dial(t, s.addr)
		send(t, c, "/")
		answer(t, c)
	}
}

// If the connection ends with an answer, bytes that the client has sent after the request
// do not cost it the answer.
func TestPipelinedBeyondTheLastAnswer(t *testing.T) {
	s := serve(t, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, 0, ok)
	for range 20 {
		c := dial(t, s.addr)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"+strings.Repeat("x", 60000))
		got, err := io.ReadAll(c)
		if !strings.HasSuffix(string(got), "\r\n\r\nok") || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}

// A handler of net/http may take over a connection, as for a WebSocket. It then reads and
// writes the connection's bytes directly, and holds no place.
func TestUpgrade(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}})
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			io.WriteString(w, "hi")
			return
		}
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		io.Copy(c, rw)
	})}
	go srv.Serve(g)
	t.Cleanup(g.Stop)
	c := dial(t, ln.Addr().String())
	br := bufio.NewReader(c)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	for _, line := range []string{"first\n", "second\n"} {
		if line == "second\n" {
			fmt.Fprint(c, line)
		}
		if got, err := br.ReadString('\n'); got != line {
			t.Fatalf("echoed %q, %v; want %q", got, err, line)
		}
	}
	other := dial(t, ln.Addr().String())
	send(t, other, "/")
	answer(t, other) // so the only place is free
}

// Bytes that came after a request count as memory while the request waits.
func TestPipelinedBytesAreCounted(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, 0, func(r *http.Request) int {
		if r.URL.Path == "/slow" {
			<-release
		}
		return 200
	})
	slow, c := dial(t, s.addr), dial(t, s.addr)
	s.wait(t, "both are accepted", func(g *Gate) bool { return len(g.clients) == 2 })
	send(t, slow, "/slow")
	s.wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	const next = 30_000
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 2*next, strings.Repeat("x", next))
	s.wait(t, "the other waits, and what came after it is counted", func(g *Gate) bool { return g.fifo.Len() == 1 && g.memory > next })
	close(release)
	answer(t, slow)
	answer(t, c)
}

// The array behind an unsent answer counts as memory while it exists. It is replaced by a
// smaller one when the client has taken half of it.
func TestUnsentAnswerIsCountedWhole(t *testing.T) {
	const size = 1 << 20
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	g := New(Options{})
	t.Cleanup(g.Stop)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := (&client{g: g, fd: fds[1]}).admit(); err != nil {
		t.Fatal(err)
	}
	c := g.clients[fds[1]]
	c.send(make([]byte, size))
	array := weak.Make(&c.out[0])
	piece := make([]byte, 10_000)
	for len(c.out) > 0 {
		if runtime.GC(); array.Value() != nil && g.memory < size/2 {
			t.Fatalf("%d bytes are counted, but the array of %d is still there", g.memory, size)
		}
		if g.memory > 2*len(c.out)+size/8 {
			t.Fatalf("%d bytes are counted for %d", g.memory, len(c.out))
		}
		if _, err := unix.Read(fds[0], piece); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		c.flush()
	}
	if g.memory != 0 {
		t.Errorf("%d bytes are counted when all is sent", g.memory)
	}
}
