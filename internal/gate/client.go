package gate

import (
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/park"
)

// state is the part of its life that a client's connection is in.
type state int

const (
	reading   state = iota // no whole request has arrived yet
	waiting                // a whole request waits for a place
	serving                // the server has the request, or gets it with its next Accept
	flushing               // the server is done, but the client has not taken all of its answer
	lingering              // the connection ends; the gate drops what the client still sends
	gone                   // the connection is closed, parked, or given to another worker
)

// client is an open connection. g.mu guards all fields. The server writes to fd
// without that lock while the state is serving.
type client struct {
	g      *Gate
	fd     int
	local  net.Addr      // nil: LocalAddr asks the kernel when it is called
	remote unix.Sockaddr // nil: RemoteAddr asks the kernel when it is called
	state  state
	since  time.Time // when it became idle, began a request, last took bytes, or began to linger
	until  time.Time // deadline for the next request while reading, and for lingering; zero: none
	row    int       // requests that were answered on this connection before

	// The beginning of the connection, see proxy.go and tls.go.
	header  bool    // a PROXY header must come first
	proxied bool    // remote is from a PROXY header
	secure  *secure // nil: the connection is not one of TLS

	// Reading, see read.go.
	in        http1.Request
	rest      []byte // bytes that came after the request
	refused   error  // why the request is refused; nil: it is not
	asRequest bool   // the request is refused, but the server gets its head as a request
	ready     bool   // the socket may have bytes to read
	hup       bool   // an event has said that the client sends no more
	again     bool   // the client is in g.again
	ended     bool   // a read has returned the end of what the client sends
	resting   bool   // counted in g.idle: the connection is idle, or lingers
	partial   bool   // counted in g.partial
	unsent    bool   // counted in g.unsent

	// The request.
	whole   int64 // when the request became whole, on the scoreboard's clock
	waited  bool  // the request had to wait for a place, or came from another worker
	asked   bool  // 100 Continue was sent to see whether the client is still there
	stream  bool  // the server reads the body while it arrives, see stream.go
	place   bool  // the request holds a place
	exempt  bool  // LimitConcurrency does not count the request
	pending bool  // the request is counted as not answered
	weight  int   // how much of LimitConcurrency the request takes
	over    bool  // the request is one more than LimitConcurrency allows
	denied  bool  // Rules.Permit does not allow the request
	conn    *Conn // what Accept has returned for this request; nil: nothing yet

	// Writing, see write.go.
	out     []byte        // bytes that the kernel has not taken yet
	outSize int           // bytes of the array behind out, including those already sent
	outBy   time.Time     // when the client must have taken out; zero: no deadline
	watched bool          // the epoll set reports when the kernel takes bytes again
	failed  error         // why writing failed
	idle    time.Duration // how long the connection is kept after the answer; 0: no limit
	closes  bool          // the connection ends when out is sent
	linger  bool          // before the close, wait for what the client still sends
	left    int           // bytes that may still be read while lingering
	shed    bool          // the next answer says Connection: close
	raw     bool          // the answer was 101, or 2xx to CONNECT: what follows is not HTTP

	held   int // bytes that the server holds for the request, see Request.Hold
	memory int // bytes of this client that are counted in g.memory
}

const edges = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff

// admit takes a client whose connection was just accepted, and reads what has arrived on it.
// It closes the descriptor when it fails. g.mu is held.
func (c *client) admit() error {
	if err := c.watch(); err != nil {
		unix.Close(c.fd)
		return err
	}
	c.boundary(time.Now().Add(c.g.rules.Timeout))
	return nil
}

// watch adds the client to the epoll set and to g.clients. g.mu is held.
func (c *client) watch() error {
	if err := unix.EpollCtl(c.g.ep, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: edges, Fd: int32(c.fd)}); err != nil {
		return err
	}
	c.in.Limits, c.in.Stream = c.g.rules.Limits, c.g.streams
	c.ready = true
	c.g.clients[c.fd] = c
	c.g.showClients()
	return nil
}

// forget closes the descriptor and drops the client. The connection itself stays open if
// another process has a copy of the descriptor. g.mu is held.
func (c *client) forget() {
	g := c.g
	c.awake()
	if c.state == reading {
		c.sayGoodbye()
	}
	c.state = gone
	if c.shakes() {
		c.secure.bytes.Broadcast()
	}
	// close removes a descriptor from the epoll set only if no process has a copy of it.
	_ = unix.EpollCtl(g.ep, unix.EPOLL_CTL_DEL, c.fd, nil)
	unix.Close(c.fd)
	delete(g.clients, c.fd)
	c.in.Reset()
	c.rest, c.out, c.outSize, c.held = nil, nil, 0, 0
	c.account()
	g.showClients()
	g.change.Broadcast()
}

func (g *Gate) showClients() {
	if g.o.Line != nil {
		g.o.Line.Conns(len(g.clients))
	}
}

// showNext counts one client more on the scoreboard. It is called before the client is
// taken, so that the scoreboard does not show too few clients if the worker is killed in
// between. A caller that gets no client calls showClients. g.mu is held.
func (g *Gate) showNext() {
	if g.o.Line != nil {
		g.o.Line.Conns(len(g.clients) + 1)
	}
}

// event handles an event of the epoll set for the connection. g.mu is held.
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
		if c.stream {
			c.pour()
		}
		c.conn.poke()
		c.dropIfGone()
	case waiting: // no place was free
		c.dropIfGone()
	case flushing:
		if ev&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.forget()
		}
	case lingering:
		c.discard()
	}
}

// boundary makes the connection wait for its next request. An idle connection is closed
// at until; zero means no limit. boundary first takes the bytes in rest, and reads what
// has arrived. g.mu is held.
func (c *client) boundary(until time.Time) {
	g := c.g
	c.state = reading
	c.since, c.until = time.Now(), until
	if p := c.rest; len(p) > 0 {
		c.rest = nil
		c.took(p)
	}
	if c.state == reading && !c.in.Begun() && c.row > 0 && (g.stage >= closed || g.othersWait()) && c.leave() {
		return // it is parked: a client that asks without a pause must not keep others out
	}
	if c.state == reading && c.ready {
		c.fill()
	}
	if c.state == reading && !c.again {
		c.settle()
	}
}

// hungUp reports whether the client has closed the connection. A client that has closed
// only its sending side looks the same. g.mu is held.
func (c *client) hungUp() bool {
	if c.secure != nil {
		return hasClosed(c.fd)
	}
	_, gone := park.Look(c.fd)
	return gone
}

// end closes the connection when the answer is sent. If the client is still sending, the
// connection lingers first. g.mu is held.
func (c *client) end() {
	c.sayGoodbye()
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
	// After a plain close the kernel would answer the client's bytes with a reset. The
	// client could then lose an answer that was already sent (RFC 9112, 9.6).
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

// A lingering connection is closed after lingerTime, or when its client has sent
// lingerBytes more.
const (
	lingerTime  = time.Second
	lingerBytes = 16 << 20
)

// discard reads what a lingering client sends, and drops it. g.mu is held.
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

// newcomerTime is how long a leaving worker waits for the first request of a client that
// has just connected. Such a client does not know that its connection could end.
const newcomerTime = time.Second

// expire applies the client's deadlines: it closes or refuses what is late. In stage
// hangUp it also closes an idle connection. g.mu is held.
func (c *client) expire(now time.Time) {
	late := !c.until.IsZero() && now.After(c.until)
	c.dropIfGone() // its end may have come with its request, or before that had to wait
	switch c.state {
	case reading:
		isNew := c.row == 0 && now.Sub(c.since) < newcomerTime
		if !late && !(c.g.stage == hangUp && !c.in.Begun() && !c.shakes() && !isNew) {
			return
		}
		c.ready = true // bytes may have arrived whose event was not handled yet
		if c.fill(); c.state != reading || c.again {
			return // a request arrived at the last moment, or more can be read
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
