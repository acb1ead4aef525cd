package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/http1"
)

// This file has the pair on which workers give requests to each other: its messages, how one
// is put in and taken out. share.go decides which.

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

// several reports whether more than one request is in the pair. g.mu is held.
func (s *source) several() bool {
	var head [headSize]byte
	first, _, err := unix.Recvfrom(s.fd, head[:], unix.MSG_PEEK|unix.MSG_TRUNC|unix.MSG_DONTWAIT)
	if err != nil {
		return false
	}
	all, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ) // bytes of all messages
	return err == nil && all > first
}

// takeOut takes a request out of the pair, and counts it here. g.mu is held.
func (g *Gate) takeOut(end int) (*client, error) {
	g.showNext()
	c, err := g.receive(end)
	if err != nil {
		g.showClients()
		return nil, err
	}
	c.count()
	c.over = false // the worker that gave it has let it pass
	return c, nil
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
