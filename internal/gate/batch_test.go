package gate

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/narwhal-server/narwhal/limits"
)

// begin accepts a request and gives it to a server, which has it until end is called.
func begin(t *testing.T, g *Gate) (r *Request, end func()) {
	t.Helper()
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		t.Fatal(err)
	}
	r = g.Begin(c, Info{Method: req.Method, Path: req.URL.Path})
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	return r, func() {
		r.End(200)
		c.Close()
	}
}

// listening makes a gate that listens.
func listening(t *testing.T, o Options) (*Gate, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := New(o)
	file := rawFile(t, ln.(*net.TCPListener))
	ln.Close()
	if err := g.Listen(file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	return g, ln.Addr().String()
}

func (g *Gate) numbers() (clients, taken, counted int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.clients), g.taken, g.counted
}

// A request takes extra places only while they are free, and gives them back as soon as a
// connection waits.
func TestExtra(t *testing.T) {
	g, addr := listening(t, Options{Limits: limits.Limits{Threads: 3}})
	send(t, dial(t, addr), "/batch")
	r, end := begin(t, g)
	a, b := r.Extra(1), r.Extra(1)
	if a == nil || b == nil || r.Extra(1) != nil {
		t.Fatalf("of 3 places the request gets %v and %v besides its own, and then another", a, b)
	}
	if !a.Next(1) {
		t.Error("a place was taken back although nobody waits")
	}
	dial(t, addr)   // it waits to be accepted
	for a.Next(1) { // it looks for connections only now and then
	}
	if clients, taken, _ := g.numbers(); clients != 2 || taken != 2 {
		t.Errorf("%d connections and %d places taken, want the new connection and a free place", clients, taken)
	}
	b.End()
	end()
	if _, taken, _ := g.numbers(); taken != 0 {
		t.Errorf("%d places are taken at the end", taken)
	}
}

// Between two computations a request waits behind those that wait.
func TestNext(t *testing.T) {
	g, addr := listening(t, Options{Limits: limits.Limits{Threads: 1}})
	send(t, dial(t, addr), "/batch")
	batch, endBatch := begin(t, g)
	defer endBatch()
	if err := batch.Next(1, 0); err != nil {
		t.Fatal(err)
	}
	send(t, dial(t, addr), "/other")
	g.looked.Store(0) // look again at once
	next := make(chan error)
	go func() { next <- batch.Next(1, 0) }()
	_, endOther := begin(t, g) // it gets the batch's place
	select {
	case <-next:
		t.Error("two requests compute in one place")
	default:
	}
	endOther()
	if err := <-next; err != nil {
		t.Error(err)
	}
}

// A request that holds more than fits keeps its place.
func TestNextWithoutRoom(t *testing.T) {
	g, addr := listening(t, Options{Limits: limits.Limits{Threads: 1, LimitBody: 1000, LimitBuffers: 2000}})
	send(t, dial(t, addr), "/batch")
	r, end := begin(t, g)
	send(t, dial(t, addr), "/other")
	r.Hold(3000)
	if err := errors.Join(r.Next(1, 0), r.Wait(1)); err != nil {
		t.Fatal(err)
	}
	if clients, taken, _ := g.numbers(); clients != 1 || taken != 1 {
		t.Errorf("%d connections and %d places taken, want the other one to wait", clients, taken)
	}
	end()
	_, endOther := begin(t, g)
	endOther()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.memory != 0 {
		t.Errorf("%d bytes are counted at the end", g.memory)
	}
}

func TestNextOfWhoHasGone(t *testing.T) {
	g, addr := listening(t, Options{})
	c := dial(t, addr)
	send(t, c, "/batch")
	r, end := begin(t, g)
	defer end()
	c.Close()
	gone := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return r.left()
	}
	for !gone() { // the kernel may tell a moment later
	}
	if err := r.Next(1, 0); !errors.Is(err, ErrGone) {
		t.Errorf("Next: %v, want %v", err, ErrGone)
	}
}

// LimitConcurrency counts computations. A request with more than the limit is served alone.
func TestComputations(t *testing.T) {
	g, addr := listening(t, Options{Limits: limits.Limits{Threads: 5, LimitConcurrency: 5}})
	send(t, dial(t, addr), "/a")
	a, endA := begin(t, g)
	send(t, dial(t, addr), "/b")
	b, endB := begin(t, g)
	if !a.Computations(4) {
		t.Error("4 and 1 are too many")
	}
	if b.Computations(2) {
		t.Error("4 and 2 are not too many")
	}
	if _, _, counted := g.numbers(); counted != 5 {
		t.Errorf("%d are counted, want 5", counted)
	}
	endA()
	if !b.Computations(2) || !b.Computations(1000) {
		t.Error("a request that is alone is refused")
	}
	if _, _, counted := g.numbers(); counted != 5 {
		t.Errorf("%d are counted, want the limit", counted)
	}
	endB()
	if _, _, counted := g.numbers(); counted != 0 {
		t.Errorf("%d are counted at the end", counted)
	}
}
