package gate

import (
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/park"
)

// state is what a client's connection does.
type state int

const (
	reading   state = iota // no whole request is there
	waiting                // a whole request waits for a place
	serving                // the server has it
	flushing               // the server is done; the client has not taken all of the answer
	lingering              // it ends; what the client still sends is read and forgotten
	gone                   // it is closed, or somebody else's
)

// client is an open connection. All of it is guarded by g.mu, except that the
// server writes to fd without the lock while the state is serving.
type client struct {
	g      *Gate
	fd     int
	local  net.Addr      // nil until asked for
	remote unix.Sockaddr // nil until asked for
	state  state
	since  time.Time // it is at a boundary, its request began, or it has last taken some of its answer
	until  time.Time // what it waits for must have come; zero: whenever
	row    int       // requests it has brought before

	// What is read, see read.go.
	in        http1.Request
	rest      []byte // what came after the request
	refused   error  // what was read is no request, and this is why
	asRequest bool   // though its head is, and the server gets that
	ready     bool   // the socket may have something
	hup       bool   // an event has said that the client sends no more
	again     bool   // it is in g.again
	ended     bool   // the client has said that it sends no more
	resting   bool   // counted in g.idle: it waits at a boundary, or lingers
	partial   bool   // counted in g.partial
	unsent    bool   // counted in g.unsent

	// The request.
	whole   int64 // when it became whole, on the scoreboard's clock
	waited  bool  // no place was free then
	place   bool  // it holds one
	exempt  bool  // Limit does not count it
	pending bool  // it is counted as not answered
	over    bool  // it is one more than Limit allows
	conn    *Conn // what the server has; nil if it has nothing

	// What is written, see write.go.
	out     []byte        // the kernel has not taken it yet
	outSize int           // of the array that holds out, with what was sent of it
	outBy   time.Time     // the client must have taken it; zero: whenever
	watched bool          // the epoll set tells when there is room
	failed  error         // of writing
	idle    time.Duration // how long it is kept when all is sent; 0: as long as the client likes
	closes  bool          // the connection ends when out is sent
	linger  bool          // it then waits for what the client is still sending
	left    int           // bytes that a lingering one still reads
	shed    bool          // its next answer says Connection: close
	raw     bool          // after 101: no HTTP any more

	memory int // counted in g.memory
}

const edges = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff

// admit makes a client of an accepted descriptor, and reads what has come. g.mu is
// held.
func (g *Gate) admit(fd int, local net.Addr, remote unix.Sockaddr) error {
	c := &client{g: g, fd: fd, local: local, remote: remote}
	if err := c.watch(); err != nil {
		unix.Close(fd)
		return err
	}
	c.boundary(time.Now().Add(g.rules.Timeout))
	return nil
}

// watch makes the client one of the gate's. g.mu is held.
func (c *client) watch() error {
	if err := unix.EpollCtl(c.g.ep, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: edges, Fd: int32(c.fd)}); err != nil {
		return err
	}
	c.in.Limits = c.g.rules.Limits
	c.ready = true
	c.g.clients[c.fd] = c
	c.g.showClients()
	return nil
}

// forget gives the descriptor up: it is closed here, and lives on only if somebody
// else has it. g.mu is held.
func (c *client) forget() {
	g := c.g
	c.awake()
	c.state = gone
	// Another process may hold the connection: close alone would leave it in the set.
	_ = unix.EpollCtl(g.ep, unix.EPOLL_CTL_DEL, c.fd, nil)
	unix.Close(c.fd)
	delete(g.clients, c.fd)
	c.in.Reset()
	c.rest, c.out, c.outSize = nil, nil, 0
	c.account()
	g.showClients()
	g.change.Broadcast()
}

func (g *Gate) showClients() {
	if g.o.Line != nil {
		g.o.Line.Conns(len(g.clients))
	}
}

// showNext counts one client more on the scoreboard, before it is taken: if the worker
// is killed in between, the scoreboard must not say less than the worker had. Whoever
// gets none calls showClients. g.mu is held.
func (g *Gate) showNext() {
	if g.o.Line != nil {
		g.o.Line.Conns(len(g.clients) + 1)
	}
}

// event handles what the epoll set says of the connection. g.mu is held.
func (c *client) event(ev uint32) {
	if ev&^uint32(unix.EPOLLOUT) != 0 {
		c.ready = true
		c.hup = c.hup || ev&^(unix.EPOLLIN|unix.EPOLLOUT) != 0
	}
	if ev&unix.EPOLLOUT != 0 && len(c.out) > 0 {
		c.flush()
	}
	switch c.state {
	case reading:
		if c.fill(); c.state == reading && !c.again {
			c.settle()
		}
	case serving:
		c.conn.poke()
	case flushing:
		if ev&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.forget()
		}
	case lingering:
		c.discard()
	}
}

// boundary is where the connection is between two requests. g.mu is held.
func (c *client) boundary(until time.Time) {
	g := c.g
	c.state = reading
	c.since, c.until = time.Now(), until
	if p := c.rest; len(p) > 0 {
		c.rest = nil
		c.took(p)
	}
	if c.state == reading && !c.in.Begun() && c.row > 0 && (g.stage >= closed || g.othersWait()) && c.leave() {
		return // a connection on which one request follows another must not keep others out
	}
	if c.state == reading && c.ready {
		c.fill()
	}
	if c.state == reading && !c.again {
		c.settle()
	}
}

// hungUp says whether the client has closed. One that has only said that it
// sends no more looks the same. g.mu is held.
func (c *client) hungUp() bool {
	_, gone := park.Look(c.fd)
	return gone
}

// end closes the connection when the answer is sent. g.mu is held.
func (c *client) end() {
	if len(c.out) > 0 && c.failed == nil {
		c.closes = true
		c.flushes()
		return
	}
	data := len(c.rest) > 0
	if !data && !c.ended && c.failed == nil {
		data, _ = park.Look(c.fd)
	}
	if !data && !c.linger || c.failed != nil {
		c.forget()
		return
	}
	// A plain close would answer what the client is still sending with a reset, and
	// the client could lose an answer it has already been sent (RFC 9112, 9.6).
	_ = unix.Shutdown(c.fd, unix.SHUT_WR)
	c.since = time.Now()
	c.state, c.left, c.until = lingering, lingerBytes, c.since.Add(lingerTime)
	c.resting = true
	c.g.idle++
	c.in.Reset()
	c.rest = nil
	c.account()
	c.discard()
}

const (
	lingerTime  = time.Second
	lingerBytes = 16 << 20
)

// discard reads and forgets. g.mu is held.
func (c *client) discard() {
	for range fillReads {
		n, err := unix.Read(c.fd, c.g.scratch[:])
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			return
		}
		if c.left -= n; err != nil || n == 0 || c.left <= 0 {
			c.forget()
			return
		}
	}
	c.readAgain()
}

// expire does what is due. g.mu is held.
func (c *client) expire(now time.Time) {
	late := !c.until.IsZero() && now.After(c.until)
	switch c.state {
	case reading:
		if !late && !(c.g.stage == hangUp && !c.in.Begun()) {
			return
		}
		c.ready = true // the event may not have been looked at
		if c.fill(); c.state != reading || c.again {
			return // it came in the last moment
		}
		if !c.in.Begun() {
			c.forget()
		} else if late {
			c.refuse(ErrTimeout)
		}
	case serving:
		if c.conn != nil {
			c.conn.expire()
		}
		fallthrough
	case flushing:
		if len(c.out) > 0 && !c.outBy.IsZero() && now.After(c.outBy) {
			c.fail(errTookTooLong)
		}
	case lingering:
		if late {
			c.forget()
		}
	}
}
