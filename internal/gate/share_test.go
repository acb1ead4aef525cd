package gate

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/limits"
)

// family has several gates on one listening socket and one scoreboard, like the workers of
// a master.
type family struct {
	addr    string
	members []*server
	board   *board.Board
}

func newFamily(t *testing.T, n int, o Options, handle func(member int, r *http.Request) int) *family {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	b, err := board.New()
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &family{addr: ln.Addr().String(), board: b}
	for i := range n {
		o := o
		o.Line = b.Line(i)
		o.Line.Reset()
		o.Line.State(board.Serving)
		s := &server{g: New(o), addr: f.addr, done: make(chan error, 1)}
		f.members = append(f.members, s)
		var ends [2]*os.File
		for j := range ends {
			fd, err := unix.FcntlInt(uintptr(fds[j]), unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				t.Fatal(err)
			}
			ends[j] = os.NewFile(uintptr(fd), "pair")
		}
		if err := s.g.Share(b, ends[0], ends[1]); err != nil {
			t.Fatal(err)
		}
		if err := s.g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
			t.Fatal(err)
		}
		go s.accept(0, func(r *http.Request) int { return handle(i, r) })
		t.Cleanup(s.g.Stop)
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() { // in place of the workers' beat
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			for i := range n {
				b.Line(i).Beat()
			}
		}
	}()
	return f
}

// pairs makes goroutines that call meet wait for each other, two by two.
type pairs struct {
	mu     sync.Mutex
	change sync.Cond
	came   int
}

func (p *pairs) meet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change.L = &p.mu
	p.came++
	p.change.Broadcast()
	for both := (p.came + 1) / 2 * 2; p.came < both; {
		p.change.Wait()
	}
}

// Two requests that arrive at the same time, in pieces, compute at once: none waits for a
// busy worker while the other worker idles, whichever worker has accepted them.
func TestNoRequestWaitsBesideAnIdleWorker(t *testing.T) {
	for _, o := range []Options{{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, {Sync: true, Limits: limits.Limits{WorkerConnections: 9}}} {
		for _, size := range []int{10, 4 << 10, 100 << 10} {
			t.Run(fmt.Sprintf("sync %v, %d bytes", o.Sync, size), func(t *testing.T) {
				var both pairs
				f := newFamily(t, 2, o, func(int, *http.Request) int {
					both.meet() // returns only when the other request computes, too
					return 200
				})
				for range 50 {
					var conns [2]net.Conn
					for i := range conns {
						conns[i] = dial(t, f.addr)
						fmt.Fprintf(conns[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
					}
					for _, c := range conns {
						io.WriteString(c, strings.Repeat("x", size))
					}
					for _, c := range conns {
						c.SetDeadline(time.Now().Add(20 * time.Second))
						answer(t, c)
						c.Close()
					}
				}
			})
		}
	}
}

// Requests on two kept connections compute at once, even if one worker holds both
// connections: a request that would have to wait moves to the other worker, with the bytes
// that were read after it.
func TestKeptConnectionMoves(t *testing.T) {
	var both pairs
	f := newFamily(t, 2, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, func(int, *http.Request) int {
		both.meet()
		return 200
	})
	const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	var conns [2]net.Conn
	var readers [2]*bufio.Reader
	for i := range conns {
		conns[i] = dial(t, f.addr)
		conns[i].SetDeadline(time.Now().Add(time.Minute))
		readers[i] = bufio.NewReader(conns[i])
	}
	for round := range 20 {
		for _, c := range conns {
			// In every second round a part of the next request comes with this one.
			if round%2 == 0 {
				io.WriteString(c, get+get[:10])
			} else {
				io.WriteString(c, get[10:])
			}
		}
		for _, r := range readers {
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
			io.Copy(io.Discard, resp.Body)
		}
	}
}

// A sync worker keeps only the request that it computes and gives the others away. So its
// crash costs one request.
func TestSyncKeepsNothing(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, func(int, *http.Request) int { <-release; return 200 })
	var conns []net.Conn
	for range 6 {
		c := dial(t, f.addr)
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
		conns = append(conns, c)
	}
	for _, s := range f.members {
		s.wait(t, "heads are read", func(g *Gate) bool { return g.fifo.Len() == 0 })
	}
	for _, c := range conns {
		io.WriteString(c, "x")
	}
	for _, s := range f.members {
		s.wait(t, "each has one", func(g *Gate) bool { return g.taken == 1 && g.fifo.Len() == 0 && g.inflight == 1 })
	}
	close(release)
	for _, c := range conns {
		answer(t, c)
		c.Close()
	}
}

// If all workers leave at the same time, they take the requests out of the pair first. That
// holds for the last workers of a service and for those of an old master after an upgrade.
func TestLastTakesWhatIsShared(t *testing.T) {
	for _, last := range []bool{false, true} {
		release := make(chan struct{})
		f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, func(int, *http.Request) int { <-release; return 200 })
		var conns []net.Conn
		for range 6 {
			c := dial(t, f.addr)
			fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
			conns = append(conns, c)
		}
		for {
			read := 0
			for _, s := range f.members {
				s.g.mu.Lock()
				read += s.g.partial
				s.g.mu.Unlock()
			}
			if read == len(conns) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		for _, c := range conns {
			io.WriteString(c, "x")
		}
		for _, s := range f.members {
			s.wait(t, "each computes, the others are in the pair", func(g *Gate) bool { return g.taken == 1 && g.partial == 0 && g.inflight == 1 })
		}
		for i := range f.members { // not before: a worker gives no request to one that leaves
			f.board.Line(i).State(board.Leaving)
		}
		drained := make(chan error, 2)
		for _, s := range f.members {
			if last {
				s.g.Last()
			}
			go func() { drained <- s.g.Drain(t.Context(), Departure{Queue: last}) }()
		}
		close(release)
		for _, c := range conns {
			answer(t, c)
			c.Close()
		}
		for range f.members {
			if err := <-drained; err != nil {
				t.Error(err)
			}
		}
	}
}

// connect makes n connections that one member of a family accepts.
func (f *family) connect(t *testing.T, member, n int) (conns []net.Conn) {
	t.Helper()
	for i, s := range f.members {
		if i != member {
			s.g.mu.Lock()
			defer s.g.mu.Unlock()
		}
	}
	for range n {
		conns = append(conns, dial(t, f.addr))
	}
	s := f.members[member]
	s.wait(t, "connections are accepted", func(g *Gate) bool { return len(g.clients) == n })
	return conns
}

// busy makes n connections that the first member of a family accepts. The member computes a
// request of the first of them.
func (f *family) busy(t *testing.T, n int) []net.Conn {
	t.Helper()
	conns := f.connect(t, 0, n)
	send(t, conns[0], "/slow")
	f.members[0].wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	return conns
}

// answersOfBoth checks that the second member answers on the second connection while the
// first member still computes.
func answersOfBoth(t *testing.T, conns []net.Conn, release chan struct{}) {
	t.Helper()
	if r := answer(t, conns[1]); r.StatusCode != 201 {
		t.Errorf("status %d, want an answer of the other worker", r.StatusCode)
	}
	close(release)
	answer(t, conns[0])
}

// slowly returns a handler that waits for release if the path is /slow. The status of its
// answer is 200 plus the index of the member.
func slowly(release chan struct{}) func(int, *http.Request) int {
	return func(member int, r *http.Request) int {
		if r.URL.Path == "/slow" {
			<-release
		}
		return 200 + member
	}
}

// A short request does not wait behind a long one between two workers. Here it cannot
// interrupt what its own worker computes, so the other worker has to take it.
func TestShortRequestPassesLongOnesBetweenWorkers(t *testing.T) {
	f := newFamily(t, 2, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, nil)
	p := newPieces()
	for _, s := range f.members {
		p.in(s)
	}
	conns := append(f.connect(t, 0, 6), f.connect(t, 1, 1)...)
	for i, s := range []int{0, 6} {
		sendLong(t, conns[s], "1.1")
		f.members[i].wait(t, "it computes", func(g *Gate) bool { return g.running.Len() == 1 })
	}
	first := f.members[0]
	first.age(10 * time.Hour)
	for _, c := range conns[1:4] {
		sendLong(t, c, "1.1")
	}
	first.wait(t, "a long request is between the workers", func(g *Gate) bool {
		n, err := unix.IoctlGetInt(g.share.fd, unix.TIOCOUTQ)
		return err == nil && n > 0
	})
	for _, c := range conns[4:6] {
		c.SetDeadline(time.Now().Add(20 * time.Second))
		send(t, c, "/short")
		answer(t, c)
	}
	close(p.end)
	for i, c := range conns {
		if i < 4 || i == 6 {
			answer(t, c)
		}
	}
}

// Two workers that give a request to the pair at the same moment may put a long one before a
// short one. The short one does not wait for it while all workers compute.
func TestShortRequestBehindALongOneInThePair(t *testing.T) {
	f := newFamily(t, 2, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 9}}, nil)
	p := newPieces()
	for _, s := range f.members {
		p.in(s)
	}
	conns := append(f.connect(t, 0, 3), f.connect(t, 1, 3)...)
	for i, c := range []net.Conn{conns[0], conns[3]} {
		sendLong(t, c, "1.1")
		f.members[i].wait(t, "it computes", func(g *Gate) bool { return g.running.Len() == 1 })
	}
	first, second := f.members[0].g, f.members[1].g
	whole := func(g *Gate) bool { // reads what has come, and lets nobody compute it
		for _, c := range g.clients {
			c.ready = true
			if c.state == reading {
				c.fill()
			}
		}
		return g.fifo.Len() == 1
	}
	// The workers cannot look while both locks are held. Here they give at the same moment.
	first.mu.Lock()
	second.mu.Lock()
	sendLong(t, conns[1], "1.1")
	for !whole(first) {
	}
	send(t, conns[4], "/short")
	for !whole(second) {
	}
	if !first.giveOldest() || !second.giveOldest() {
		t.Error("a request was not given")
	}
	second.mu.Unlock()
	first.mu.Unlock()

	conns[4].SetDeadline(time.Now().Add(20 * time.Second))
	answer(t, conns[4])
	close(p.end)
	for _, i := range []int{0, 1, 3} {
		answer(t, conns[i])
	}
}

// A request that one worker has accepted is served by another worker, even if that worker
// has lower limits. After a reload the limits of workers can differ.
func TestMovedRequestIsNotJudgedAgain(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, slowly(release))
	f.members[0].g.Rules(Rules{Limits: http1.Limits{Body: 64 << 10}})
	f.members[1].g.Rules(Rules{Limits: http1.Limits{Body: 2 << 10, Head: 40}})
	conns := f.busy(t, 2)
	fmt.Fprintf(conns[1], "POST / HTTP/1.1\r\nHost:\r\nX: %s\r\nContent-Length: 10000\r\n\r\n%s", strings.Repeat("x", 100), strings.Repeat("x", 10000))
	answersOfBoth(t, conns, release)
}

// A message in the pair that is not valid does not stop the requests behind it.
func TestLostRequestHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, slowly(release))
	conns := f.busy(t, 2)
	g := f.members[1].g
	g.mu.Lock()
	for range 5 {
		if err := unix.Send(f.members[0].g.share.fd, make([]byte, headSize), 0); err != nil { // without a descriptor
			t.Fatal(err)
		}
	}
	send(t, conns[1], "/")
	f.members[0].wait(t, "it is given", func(g *Gate) bool { return len(g.clients) == 1 })
	g.mu.Unlock()
	answersOfBoth(t, conns, release)
}

// A request whose body was refused is answered by the worker that refused it. The client
// may still send the body. So this worker closes the connection: another worker would read
// the body as the next request.
func TestRefusedBodyIsNotRead(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, slowly(release))
	for _, s := range f.members {
		s.g.Rules(Rules{Admit: func(*http1.Head) bool { return false }})
	}
	conns := f.busy(t, 2)
	const body = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	fmt.Fprintf(conns[1], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	f.members[0].wait(t, "it waits here", func(g *Gate) bool { return g.fifo.Len() == 1 })
	close(release)
	r := bufio.NewReader(conns[1])
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	io.WriteString(conns[1], body)
	conns[1].SetReadDeadline(time.Now().Add(20 * time.Second))
	if resp, err := http.ReadResponse(r, nil); err == nil {
		t.Errorf("the body was answered as a request: %v", resp)
	}
	answer(t, conns[0])
}

// An idle worker takes a request from the pair even if it holds WorkerConnections
// connections: it closes one that has sent nothing of a request.
func TestFullWorkerTakesFromThePair(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 4, LimitConcurrency: 100}}, slowly(release))
	f.members[1].g.Rules(Rules{Timeout: time.Hour}) // silent connections stay
	f.connect(t, 1, 4)
	conns := f.busy(t, 2)
	send(t, conns[1], "/")
	answersOfBoth(t, conns, release)
}

// The pair holds at most as many bytes of large requests as a worker may hold. Other large
// requests wait in the worker that has read them, and count there.
func TestPairIsBounded(t *testing.T) {
	release := make(chan struct{})
	const size, largest = 100_000, 128 << 10
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 20, LimitBuffers: 3 * largest}, Sync: true}, func(int, *http.Request) int {
		<-release
		return 200
	})
	for _, s := range f.members {
		s.g.Rules(Rules{Limits: http1.Limits{Body: largest}})
	}
	conns := append(f.connect(t, 0, 6), f.connect(t, 1, 6)...)
	for i, s := range f.members {
		send(t, conns[6*i], "/")
		s.wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	}
	for _, member := range []int{0, 6} {
		for _, c := range conns[member+1 : member+4] {
			fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
		}
	}
	waiting := func() (requests, bytes int) {
		for _, s := range f.members {
			s.g.mu.Lock()
			requests += s.g.fifo.Len()
			bytes += s.g.memory
			s.g.mu.Unlock()
		}
		return requests, bytes
	}
	// How many are in the pair depends on what the kernel counts for a message, and on whether
	// both workers ask at the same moment.
	f.members[0].wait(t, "one to four are in the pair, the others are counted", func(g *Gate) bool {
		g.mu.Unlock()
		defer g.mu.Lock()
		requests, bytes := waiting()
		return requests >= 2 && requests < 6 && bytes >= requests*size && bytes < (requests+1)*size
	})
	close(release)
	for _, c := range conns[:4] {
		answer(t, c)
	}
	for _, c := range conns[6:10] {
		answer(t, c)
	}
}
