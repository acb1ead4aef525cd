package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/http1"
)

// A whole request never waits for a busy worker beside an idle one: it moves there.
// All workers of a master hold both ends of one SOCK_SEQPACKET pair. A worker that
// has a request waiting, and sees on the scoreboard that a sibling is idle, puts the
// connection (SCM_RIGHTS) and what it has read of it into the pair. Whichever worker
// has a free place first takes it out, be it the one that gave it.
//
// A worker also gives its oldest request when a sibling is ahead: when the oldest
// request that waits there is younger by more than half of what a computation
// takes, or none waits there. So clients that keep connections get about equal
// shares, also when the processors are not equally quick. A worker takes a request
// from the pair only if it is older than its own oldest one. So all workers together
// serve requests in about the order in which they became whole.
//
// A sync worker gives every request that has to wait, so that its crash costs no
// more than the one that it computes. Of large requests the pair holds only some, see
// pairTakesLarge.

// share is the gate's part of that.
type share struct {
	file     *os.File // the end to give to; nil: there are no siblings
	fd       int
	source   *source // the end to take from
	board    *board.Board
	siblings []sibling
	counted  time.Time     // when they were looked up
	mean     time.Duration // of a computation
	idle     int64         // since when this worker has had nothing to do; 0: it has
}

type sibling struct {
	line *board.Line
	gave int64 // when a request was last given to it
}

// Share adds the pair. give and take are the two ends; the files belong to the gate
// from then on. Options.Line must be one of b's lines.
func (g *Gate) Share(b *board.Board, give, take *os.File) error {
	rc, err := give.SyscallConn()
	if err != nil {
		return fmt.Errorf("requests for siblings: %w", err)
	}
	fd := -1
	if err := rc.Control(func(f uintptr) { fd = int(f) }); err != nil {
		return fmt.Errorf("requests for siblings: %w", err)
	}
	g.mu.Lock()
	g.share.board, g.share.file, g.share.fd = b, give, fd
	g.mu.Unlock()
	return g.add(take, fromShare)
}

// took notes how long a computation took. g.mu is held.
func (s *share) took(d time.Duration) {
	if s.mean == 0 {
		s.mean = d
	}
	s.mean += (d - s.mean) / 8
}

const (
	siblingsEvery = 500 * time.Millisecond
	siblingAlive  = 2 * time.Second  // since its last beat
	giveEvery     = time.Millisecond // to an idle sibling that has not yet taken
	ahead         = time.Millisecond // at least: by how much a sibling must be ahead
)

// others are the siblings that serve. g.mu is held.
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

// serving says whether one of the siblings serves at this moment. g.mu is held.
func (g *Gate) serving(others []sibling) bool {
	for _, o := range others {
		if o.line.Serves(siblingAlive) {
			return true
		}
	}
	return false
}

// pass gives requests to siblings that can compute them sooner. g.mu is held.
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
			if oldest == 0 { // it computes, and nobody waits for it
				oldest = now
			}
			wait = int64(max(s.mean/2, ahead))
			if e := g.front(); e == nil || oldest-e.whole < wait {
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

// giveOldest gives the oldest request that the server does not have yet. One after
// which the connection ends stays: a sibling would read on. So does a large one while
// the pair has as many as it may. g.mu is held.
func (g *Gate) giveOldest() bool {
	for e := g.fifo.Front(); e != nil; e = e.Next() {
		c := e.Value.(*entry).c
		if c == nil || c.closes || c.in.Size()+len(c.rest) > inline && !g.pairTakesLarge() {
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

// leastMessage is less than what Linux counts for a message with a descriptor, bytes:
// 768 on amd64.
const leastMessage = 640

// pairTakesLarge says whether a request that travels in a memfd may be put into the
// pair. No worker counts its bytes there. So the pair may hold only as many requests as
// fit into LimitBuffers if each of them is as large as it may be, and always one.
// g.mu is held.
func (g *Gate) pairTakesLarge() bool {
	largest := g.rules.Limits.Body
	queued, err := unix.IoctlGetInt(g.share.fd, unix.TIOCOUTQ)
	return err == nil && queued < max(int(g.o.LimitBuffers)/largest, 1)*leastMessage
}

// headSize is the length of what a message begins with: since when the request is
// whole (8 bytes), the requests before it, and the lengths of the request and of what
// came after it (4 bytes each). These two follow, or are in a memfd.
const headSize = 8 + 3*4

// inline is how much of a request travels in the message itself.
const inline = 16 << 10

// noLimits are the limits of a request that a worker has accepted: none. Another one may
// have other limits, and the request may have become longer than what was read.
var noLimits = http1.Limits{Head: math.MaxInt32, Target: math.MaxInt32, Field: math.MaxInt32, Fields: math.MaxInt32, Body: math.MaxInt32}

// give puts a client and its request into the pair. g.mu is held.
func (c *client) give() bool {
	if len(c.out) > 0 || c.failed != nil {
		return false
	}
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
	binary.LittleEndian.PutUint32(message[12:], uint32(request))
	binary.LittleEndian.PutUint32(message[16:], uint32(len(c.rest)))
	if err := pass(c.g.share.fd, c.fd, message); err != nil {
		in := message[headSize : headSize+request]
		c.in.Reset()
		c.in.Limits = noLimits
		_, _ = c.in.Write(in) // it was accepted before
		c.in.Limits = c.g.rules.Limits
		return false
	}
	c.uncount()
	c.forget()
	return true
}

// pass sends a message with a descriptor.
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

// takeShared takes a request from the pair if it is older than e, the oldest of
// this worker's, and gives it a place. g.mu is held.
func (g *Gate) takeShared(e *entry) bool {
	s := g.share.source
	if !g.begun || s == nil || !s.ready || s.short || g.stage >= closed && g.serving(g.others()) {
		return false
	}
	var head [headSize]byte
	n, _, err := unix.Recvfrom(s.fd, head[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil || n < headSize {
		s.ready = err == unix.EINTR
		return false
	}
	if e != nil && e.whole <= int64(binary.LittleEndian.Uint64(head[:])) {
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
	case errors.Is(err, unix.EAGAIN): // a sibling was faster
		s.ready = false
		return false
	case err != nil:
		s.short = true // others may be behind it: tick tries again
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

// receive takes a client out of the pair. g.mu is held.
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
		return nil, fmt.Errorf("a request of a sibling was lost: %w", err)
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
	request, rest := int(binary.LittleEndian.Uint32(buf[12:])), int(binary.LittleEndian.Uint32(buf[16:]))
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

// showQueue writes on the scoreboard what siblings look at. g.mu is held.
func (g *Gate) showQueue() {
	idle := g.taken < g.o.Threads && g.fifo.Len() == 0 && g.stage == open
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
		g.o.Line.ShowQueue(idle, g.fifo.Len(), oldest)
	}
}

// left says whether a leaving worker still has to take requests from the pair. It
// has to if no sibling serves: one that left at the same time may have given them.
// g.mu is held.
func (g *Gate) left() bool {
	s := g.share.source
	g.share.counted = time.Time{} // another one may serve by now
	if s == nil || g.serving(g.others()) {
		return false
	}
	s.ready = true
	g.proceed()
	return s.ready
}
