package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/http1"
)

// No whole request waits for a busy worker while another worker idles: the request moves
// to the idle worker. All workers of a master hold both ends of one SOCK_SEQPACKET pair.
// When a worker has a request that waits, and sees on the scoreboard that another worker
// is idle, it puts the connection (SCM_RIGHTS) and the bytes read from it into the pair.
// The worker that first has a free place takes them out. That may be the giver itself.
//
// A worker also gives its oldest request when another worker is ahead. A worker is ahead
// if its oldest waiting request became whole later, by at least half the mean time of a
// computation. If no request waits there, this worker's request must have waited as long.
// So clients that keep connections get about equal shares, even if the processors are not
// equally fast. A worker takes a request from the pair only if it is due before its own
// first one (interrupt.go). So all workers together serve requests in about the order of
// their due times.
//
// A sync worker gives away every request that has to wait. So its crash costs only the
// request that it computes. The pair holds only some large requests, see pairTakesLarge.

// share is what the gate needs to give requests to other workers and to take theirs.
type share struct {
	file     *os.File // the end to give to; nil: Share was not called
	fd       int      // descriptor of file
	source   *source  // the end to take from
	board    *board.Board
	siblings []sibling     // the other workers that serve
	counted  time.Time     // when siblings was made
	mean     time.Duration // moving average of this worker's computations
	idle     int64         // since when this worker is idle, on the scoreboard's clock; 0: it is not
}

// sibling is another worker of the same master.
type sibling struct {
	line *board.Line
	gave int64 // when a request was last given for it, on the scoreboard's clock
}

// Share adds the pair on which workers give requests to each other. give and take are its
// two ends. The files belong to the gate from then on. Options.Line must be a line of b.
func (g *Gate) Share(b *board.Board, give, take *os.File) error {
	rc, err := give.SyscallConn()
	if err != nil {
		return fmt.Errorf("pass requests between workers: %w", err)
	}
	fd := -1
	if err := rc.Control(func(f uintptr) { fd = int(f) }); err != nil {
		return fmt.Errorf("pass requests between workers: %w", err)
	}
	g.mu.Lock()
	g.share.board, g.share.file, g.share.fd = b, give, fd
	g.mu.Unlock()
	return g.add(take, fromShare)
}

// took adds the time of a computation to the mean. g.mu is held.
func (s *share) took(d time.Duration) {
	if s.mean == 0 {
		s.mean = d
	}
	s.mean += (d - s.mean) / 8
}

const (
	siblingsEvery = 500 * time.Millisecond // how often the scoreboard is searched for other workers
	siblingAlive  = 2 * time.Second        // a worker whose last beat is older does not serve
	giveEvery     = time.Millisecond       // least time between two requests for the same idle worker
	ahead         = time.Millisecond       // least value for half the mean of a computation, see above
)

// others returns the other workers that served at the last search, at most siblingsEvery
// ago. g.mu is held.
func (g *Gate) others() []sibling {
	s := &g.share
	if s.board == nil {
		return nil
	}
	if now := time.Now(); now.Sub(s.counted) >= siblingsEvery {
		s.counted, s.siblings = now, s.siblings[:0]
		for i := range board.Lines {
			if l := s.board.Line(i); l != g.o.Line && l.Serves(siblingAlive) {
				s.siblings = append(s.siblings, sibling{line: l})
			}
		}
	}
	return s.siblings
}

// serving reports whether one of the others serves at this moment. g.mu is held.
func (g *Gate) serving(others []sibling) bool {
	for _, o := range others {
		if o.line.Serves(siblingAlive) {
			return true
		}
	}
	return false
}

// pass gives requests to workers that can compute them sooner. g.mu is held.
func (g *Gate) pass() {
	s := &g.share
	if s.file == nil || g.fifo.Len() == 0 {
		return
	}
	others := g.others()
	if g.o.Sync {
		for g.serving(others) && g.giveOldest() {
		}
		g.showQueue()
		return
	}
	now := board.Now()
	for i := range others {
		o := &others[i]
		idle, oldest := o.line.Queue()
		wait := int64(giveEvery)
		if !idle {
			if oldest == 0 { // the other worker computes, and no request waits for it
				oldest = now
			}
			wait = int64(max(s.mean/2, ahead))
			if e := g.front(); e == nil || oldest-e.whole < wait || !g.firstInPair(e) {
				continue
			}
		}
		if !o.line.Serves(siblingAlive) {
			continue
		}
		if now-o.gave < wait {
			continue
		}
		if !g.giveOldest() {
			break
		}
		o.gave = now
	}
	g.showQueue()
}

// firstInPair reports whether no request is in the pair, so that e would be the first one
// there. It takes out requests that are due after e, and lets them wait here: no worker that
// computes looks behind the first one, and that may be a long one. g.mu is held.
func (g *Gate) firstInPair(e *entry) bool {
	s := g.share.source
	for s != nil {
		whole, size, ok := s.peek()
		if !ok {
			break
		}
		if !g.begun || g.dueAt(whole, size) <= g.dueAt(e.whole, e.size) || len(g.clients) >= g.o.WorkerConnections || !g.roomy() {
			return false
		}
		c, err := g.receive(s.fd)
		if err != nil {
			return false
		}
		c.state = waiting
		c.count()
		c.over = false
		g.queue(&entry{c: c, whole: c.whole, due: g.dueAt(c.whole, c.in.BodySize()), size: c.in.BodySize()})
	}
	return true
}

// giveOldest gives away the oldest request that may move, and reports whether it could.
// A request stays if the server has it already, if its connection ends after it (another
// worker would read on), if it came by TLS, or if it is large and the pair has no room for large ones. g.mu
// is held.
func (g *Gate) giveOldest() bool {
	for e := g.fifo.Front(); e != nil; e = e.Next() {
		c := e.Value.(*entry).c
		if c == nil || c.closes || c.secure != nil || c.in.Size()+len(c.rest) > inline && !g.pairTakesLarge() {
			continue
		}
		if !c.give() {
			return false
		}
		g.fifo.Remove(e)
		return true
	}
	return false
}

// leastMessage is in bytes, and less than what Linux counts for a message with a
// descriptor: 768 on amd64.
const leastMessage = 640

// pairTakesLarge reports whether a request that travels in a memfd may be put into the
// pair. No worker counts the bytes of requests in the pair. So the pair may hold as many
// requests as would fit into LimitBuffers with the largest head and body allowed, and at
// least one.
// If several workers ask at the same moment, each may put one more. g.mu is held.
func (g *Gate) pairTakesLarge() bool {
	largest := g.rules.Limits.Head + g.rules.Limits.Body
	queued, err := unix.IoctlGetInt(g.share.fd, unix.TIOCOUTQ)
	return err == nil && queued < max(int(g.o.LimitBuffers)/largest, 1)*leastMessage
}

// headSize is the length of a message's head in bytes: when the request became whole (8),
// the number of requests before it on the connection (4), the size of its body (4), the
// length of the request (4), the length of the bytes after it (4), and the client's address and port from a PROXY
// header (16 and 2), or zeros. The request and the bytes after it follow, or are in a memfd.
const headSize = 8 + 4*4 + 16 + 2

// inline is the length in bytes above which a message travels in a memfd.
const inline = 16 << 10

// noLimits are the limits for reading a request again that a worker has accepted: none.
// The worker that takes the request may have lower limits. The normalised request may also
// be longer than the bytes that were read from the client.
var noLimits = http1.Limits{Head: math.MaxInt32, Line: math.MaxInt32, Field: math.MaxInt32, Fields: math.MaxInt32, Body: math.MaxInt32}

// give puts a client and its request into the pair, and forgets the client. It returns
// false, and leaves the client as it was, if the pair is full or the client still has to
// take bytes. g.mu is held.
func (c *client) give() bool {
	if len(c.out) > 0 || c.failed != nil {
		return false
	}
	size := c.in.BodySize()
	message := make([]byte, headSize, headSize+c.in.Size()+len(c.rest))
	for {
		if len(message) == cap(message) {
			message = append(message, 0)[:len(message)]
		}
		n, err := c.in.Read(message[len(message):cap(message)])
		if message = message[:len(message)+n]; err == io.EOF {
			break
		}
	}
	request := len(message) - headSize
	message = append(message, c.rest...)
	binary.LittleEndian.PutUint64(message[0:], uint64(c.whole))
	binary.LittleEndian.PutUint32(message[8:], uint32(c.row))
	binary.LittleEndian.PutUint32(message[12:], uint32(size))
	binary.LittleEndian.PutUint32(message[16:], uint32(request))
	binary.LittleEndian.PutUint32(message[20:], uint32(len(c.rest)))
	if t, ok := address(c.remote).(*net.TCPAddr); ok && c.proxied {
		copy(message[24:], t.IP.To16())
		binary.LittleEndian.PutUint16(message[40:], uint16(t.Port))
	}
	if err := pass(c.g.share.fd, c.fd, message); err != nil {
		in := message[headSize : headSize+request]
		c.in.Reset()
		c.in.Limits = noLimits
		_, _ = c.in.Write(in) // cannot fail: the request was accepted before
		c.in.Limits = c.g.rules.Limits
		return false
	}
	c.uncount()
	c.forget()
	return true
}

// pass sends a message with the descriptor fd on the pair. It does not wait: the error is
// unix.EAGAIN if the pair is full.
func pass(end, fd int, message []byte) error {
	fds := []int{fd}
	if len(message) > inline {
		m, err := unix.MemfdCreate("narwhal-request", unix.MFD_CLOEXEC)
		if err != nil {
			return err
		}
		defer unix.Close(m)
		for rest := message[headSize:]; len(rest) > 0; {
			n, err := unix.Write(m, rest)
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
		fds, message = append(fds, m), message[:headSize]
	}
	for {
		err := unix.Sendmsg(end, message, unix.UnixRights(fds...), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// peek returns when the first request in the pair became whole, and the size of its body. It
// leaves the request there. g.mu is held.
func (s *source) peek() (whole int64, size int, ok bool) {
	var head [headSize]byte
	n, _, err := unix.Recvfrom(s.fd, head[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil || n < headSize {
		s.ready = err == unix.EINTR
		return 0, 0, false
	}
	return int64(binary.LittleEndian.Uint64(head[:])), int(binary.LittleEndian.Uint32(head[12:])), true
}

// pairPasses reports whether the first request in the pair may interrupt r: if all workers
// compute, it would wait until one of them has a free place. g.mu is held.
func (g *Gate) pairPasses(r *Request) bool {
	s := g.share.source
	if s == nil || !s.ready || s.short {
		return false
	}
	_, size, ok := s.peek()
	return ok && r.givesWay(size)
}

// takeShared takes a request from the pair and gives it a place, and reports whether it
// did. It does not if the request may not begin now, or is due after e, the next one in this
// worker; e may be nil. At WorkerConnections it closes another connection first. g.mu is held.
func (g *Gate) takeShared(e *entry) bool {
	s := g.share.source
	// Nothing is taken before Begin, without a pair, when the pair is empty (not ready),
	// when descriptors or memory ran out (short), or when this worker accepts no more and
	// another worker serves.
	if !g.begun || s == nil || !s.ready || s.short || g.stage >= closed && g.serving(g.others()) {
		return false
	}
	whole, size, ok := s.peek()
	if !ok || !g.fits(size) || e != nil && !e.begun && e.due <= g.dueAt(whole, size) {
		return false
	}
	for len(g.clients) >= g.o.WorkerConnections {
		if g.idle+g.partial+g.unsent == 0 || !g.reap() {
			return false
		}
	}
	g.showNext()
	c, err := g.receive(s.fd)
	if err != nil {
		g.showClients()
	}
	switch {
	case errors.Is(err, unix.EAGAIN): // another worker was faster
		s.ready = false
		return false
	case err != nil:
		s.short = true // more requests may be in the pair: tick tries again
		g.starve(err)
		return false
	}
	if since := g.share.idle; since != 0 && g.o.Line != nil {
		g.o.Line.Missed(time.Duration(board.Now() - max(since, c.whole)))
	}
	c.count()
	c.over = false
	c.place, c.waited = true, true
	g.taken++
	g.deliver(c)
	return true
}

// receive takes a client and its request out of the pair. The error is unix.EAGAIN if the
// pair is empty. g.mu is held.
func (g *Gate) receive(end int) (*client, error) {
	buf := g.scratch[:headSize+inline]
	oob := make([]byte, unix.CmsgSpace(2*4))
	n, oobn, flags, _, err := unix.Recvmsg(end, buf, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, err
	}
	var fds []int
	if messages, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil && len(messages) == 1 {
		fds, _ = unix.ParseUnixRights(&messages[0])
	}
	lost := func(err error) (*client, error) {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, fmt.Errorf("a request that another worker passed on was lost: %w", err)
	}
	if flags&unix.MSG_CTRUNC != 0 {
		return lost(unix.EMFILE)
	}
	if len(fds) == 0 || n < headSize {
		return lost(unix.EINVAL)
	}
	c := &client{g: g, fd: fds[0], since: time.Now()}
	c.whole = int64(binary.LittleEndian.Uint64(buf[0:]))
	c.row = int(binary.LittleEndian.Uint32(buf[8:]))
	request, rest := int(binary.LittleEndian.Uint32(buf[16:])), int(binary.LittleEndian.Uint32(buf[20:]))
	if ip := netip.AddrFrom16([16]byte(buf[24:])); !ip.IsUnspecified() {
		c.remote, c.proxied = sockaddr(netip.AddrPortFrom(ip, binary.LittleEndian.Uint16(buf[40:]))), true
	}
	data := buf[headSize:n]
	if len(fds) == 2 {
		if data, err = contents(fds[1], request+rest); err != nil {
			return lost(err)
		}
		unix.Close(fds[1])
		fds = fds[:1]
	}
	if len(data) != request+rest {
		return lost(unix.EINVAL)
	}
	c.in.Limits = noLimits
	if _, err := c.in.Write(data[:request]); err != nil || !c.in.Done() {
		return lost(fmt.Errorf("%w: %w", unix.EINVAL, err))
	}
	c.in.Limits = g.rules.Limits
	c.rest = append(c.rest, data[request:]...)
	if err := c.watch(); err != nil {
		return lost(err)
	}
	c.account()
	return c, nil
}

// contents returns the first size bytes of a memfd.
func contents(fd, size int) ([]byte, error) {
	data := make([]byte, size)
	for at := 0; at < size; {
		n, err := unix.Pread(fd, data[at:], int64(at))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil, errors.Join(io.ErrUnexpectedEOF, err)
		}
		at += n
	}
	return data, nil
}

// showQueue writes on the scoreboard what other workers need to know: whether this worker
// is idle, how many requests wait, and since when the oldest of them waits. g.mu is held.
func (g *Gate) showQueue() {
	idle := g.taken < g.o.Threads && g.fifo.Len() == 0 && g.paused.Len() == 0 && g.stage == open
	if idle != (g.share.idle != 0) {
		g.share.idle = 0
		if idle {
			g.share.idle = board.Now()
		}
	}
	if g.o.Line != nil {
		var oldest int64
		if e := g.front(); e != nil {
			oldest = e.whole
		}
		g.o.Line.ShowQueue(idle, g.taken, g.fifo.Len(), oldest)
	}
}

// left reports whether a leaving worker still has to take requests from the pair. It has
// to if no other worker serves: a worker that leaves at the same time may have put them
// there. g.mu is held.
func (g *Gate) left() bool {
	s := g.share.source
	g.share.counted = time.Time{} // search again: another worker may serve by now
	if s == nil || g.serving(g.others()) {
		return false
	}
	s.ready = true
	g.proceed()
	return s.ready
}
