package gate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// source is where connections come from: a listening socket, the pair on which the master
// passes parked connections, or the pair on which other workers give requests.
//
// The gate uses the descriptors themselves, because it has to check for a free place when
// a connection waits and before it is accepted. With a listener of package net, an Accept
// that already waits would take a connection for which the worker has no place.
type source struct {
	g     *Gate
	file  *os.File
	fd    int // descriptor of file
	kind  kind
	addr  net.Addr // of a listening socket
	ready bool     // a connection may wait there
	short bool     // the last take failed; tick clears this to try again
}

// kind says what a source is.
type kind int

const (
	fromListen kind = iota // a listening socket
	fromPark               // the master, which keeps idle connections
	fromShare              // other workers, see share.go
)

// Listen adds a listening socket. The gate makes the file non-blocking and owns it from
// then on. When the gate closes the file, the socket stays open in other processes that
// hold it. Listen fails if the file is not a socket.
func (g *Gate) Listen(file *os.File) error { return g.add(file, fromListen) }

// Unpark adds the connections that were parked and have a request now. The file is the
// workers' end of the pair of package park. It must be a copy of Options.Park and not that
// file itself, because the gate still parks connections when it has closed this source.
// The gate makes the file non-blocking and owns it from then on.
func (g *Gate) Unpark(file *os.File) error { return g.add(file, fromPark) }

func (g *Gate) add(file *os.File, k kind) error {
	rc, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("listener %s: %w", file.Name(), err)
	}
	s := &source{g: g, file: file, kind: k, ready: true, fd: -1}
	cerr := rc.Control(func(fd uintptr) { s.fd = int(fd) })
	if cerr == nil && k == fromListen {
		var sa unix.Sockaddr
		if sa, err = unix.Getsockname(s.fd); err == nil {
			s.addr = address(sa)
		}
	}
	if err = errors.Join(cerr, err); err != nil {
		return fmt.Errorf("listener %s: getsockname: %w", file.Name(), err)
	}
	if err := s.keepNonblock(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := unix.EpollCtl(g.ep, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&0xffffffff, Fd: int32(s.fd)}); err != nil {
		return fmt.Errorf("listener %s: epoll: %w", file.Name(), err)
	}
	g.sources[s.fd] = s
	if k == fromShare {
		g.share.source = s
	}
	g.turn = append(g.turn, s)
	g.proceed()
	return nil
}

// close closes the descriptor of a source. Other processes keep theirs. g.mu is held.
func (s *source) close() {
	// close removes a descriptor from the epoll set only if no process has a copy of it.
	_ = unix.EpollCtl(s.g.ep, unix.EPOLL_CTL_DEL, s.fd, nil)
	delete(s.g.sources, s.fd)
	if s.g.share.source == s {
		s.g.share.source = nil
	}
	for i, o := range s.g.turn {
		if o == s {
			s.g.turn = append(s.g.turn[:i:i], s.g.turn[i+1:]...)
			break
		}
	}
	s.file.Close()
	s.g.change.Broadcast()
}

// keepNonblock sets O_NONBLOCK again. The flag belongs to the open file description, which
// all workers and the master share. So any process that holds the socket can clear it.
// Accept would then block in the kernel.
func (s *source) keepNonblock() error {
	if err := unix.SetNonblock(s.fd, true); err != nil {
		return fmt.Errorf("listener %s: %w", s.file.Name(), err)
	}
	return nil
}

// KeepNonblock sets O_NONBLOCK again on all sources, in case another process has cleared
// it.
func (g *Gate) KeepNonblock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sources {
		_ = s.keepNonblock() // a socket that is bad for F_SETFL is bad for accept, which reports it
	}
}

// takeAtMost is how many connections takeIn takes before other events have their turn.
// Connections without a request hold no place, so places do not bound them. To take one
// costs some 50 µs.
const takeAtMost = 16

// takeIn takes connections while there are places for them, one from each source in turn.
// If it has taken takeAtMost, tick takes the next ones. g.mu is held.
func (g *Gate) takeIn() {
	g.more = false
	if !g.begun {
		return
	}
	for range takeAtMost {
		took := false
		for _, s := range append([]*source(nil), g.turn...) {
			if s.kind != fromShare && s.takeOne() {
				took = true
				g.turn = append(g.turn[1:len(g.turn):len(g.turn)], g.turn[0])
				break
			}
		}
		if !took {
			return
		}
		g.grant()
	}
	g.more = true
}

// takeOne takes a connection if one waits and may be taken, and reports whether it did.
// If the worker is full, it may close another connection first. g.mu is held.
func (s *source) takeOne() bool {
	g := s.g
	for s.ready && !s.short && !s.over() {
		if !g.mayAccept() && !s.spills() {
			g.quiet = time.Now()
			if !g.mayReap() || !park.Readable(s.fd) {
				return false
			}
			if !g.reap() {
				return false
			}
			continue
		}
		g.showNext()
		err := s.take()
		if err != nil {
			g.showClients()
		}
		switch {
		case err == nil:
			g.guest = false
			g.quiet = time.Now()
			return true
		case errors.Is(err, unix.EAGAIN):
			g.guest = false // no connection waits, or another worker was faster
			s.ready = false
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		case err == io.EOF: // no more parked connections: the service ends, or the master is dead
			s.close()
			return false
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			// Open connections have to end first. The new one waits in the queue.
			g.quiet = time.Now()
			s.short = true
			g.starve(err)
		default:
			s.short = true
			g.starve(fmt.Errorf("accept %v: %w", s.addr, err))
		}
	}
	return false
}

// take takes one connection. g.mu is held.
func (s *source) take() error {
	if s.kind == fromPark {
		fd, _, err := park.Take(s.fd)
		if err != nil {
			return err
		}
		return (&client{g: s.g, fd: fd}).admit()
	}
	fd, sa, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	proxy := s.g.rules.Proxy
	if why := proxy.mayConnect(address(sa)); why != nil {
		unix.Close(fd)
		s.g.turned(fmt.Errorf("a connection was closed: %w", why))
		return unix.ECONNABORTED // as if the client had gone
	}
	s.countWait(fd)
	c := &client{g: s.g, fd: fd, local: s.addr, remote: sa, header: proxy != nil}
	if s.g.rules.TLS != nil {
		c.secure = &secure{c: c}
	}
	return c.admit()
}

// countWait counts how long a connection that was just accepted has waited in the kernel's
// queue. Linux does not tell that of a unix socket.
func (s *source) countWait(fd int) {
	if _, ok := s.addr.(*net.TCPAddr); !ok {
		return
	}
	waited, ok := sock.Waited(fd)
	if !ok {
		return
	}
	s.g.o.Counts.Accepted(waited)
	if s.g.o.Line != nil {
		s.g.o.Line.Accepted(waited)
	}
}

// over reports whether the gate takes no more from this source. When the service ends,
// the gate takes parked connections until the master has no more. g.mu is held.
func (s *source) over() bool { return s.g.stage >= closed && !(s.kind == fromPark && s.g.last) }

// mayAccept reports whether one more connection may be accepted. g.mu is held.
func (g *Gate) mayAccept() bool {
	return len(g.clients) < g.o.WorkerConnections && g.memory < int(g.o.LimitBuffers) && g.placeFree()
}

// placeFree reports whether a new connection may be accepted as far as places count. It
// may if a new request would get a place, if it could interrupt a long computation, if
// grant has allowed one more connection, and always with a LimitConcurrency, so that the
// server can refuse. g.mu is held.
func (g *Gate) placeFree() bool {
	return g.o.LimitConcurrency > 0 || g.taken+g.fifo.Len() < g.o.Threads || g.guest || g.yields()
}

// spills reports whether the gate should accept a connection without a free place,
// because the kernel's queue is more than half full. When a queue is full, the kernel
// drops new clients, which try again after seconds. After some ten seconds it also resets
// clients that it has already told that they are connected. spills returns false for a
// unix socket, whose queue cannot be seen, and with Sync: a sync worker accepts one
// request at a time in any case.
//
// Such connections have a price. At the end of a peak a worker may still have requests
// while another has none (share.go gives them away), and a crash costs more than the
// requests that ran. g.mu is held.
func (s *source) spills() bool {
	if s.kind != fromListen || s.g.o.Sync || len(s.g.clients) >= s.g.o.WorkerConnections || s.g.memory >= int(s.g.o.LimitBuffers) {
		return false
	}
	now, limit := sock.Queued(s.fd)
	return now > limit/2
}

// othersWait reports whether a connection waits to be accepted or taken from the master.
// g.mu is held.
func (g *Gate) othersWait() bool {
	for _, s := range g.turn {
		if s.kind != fromShare && s.ready && park.Readable(s.fd) {
			return true
		}
	}
	return false
}

// address returns the address in the form of package net. An unknown kind of address is
// an empty unix address.
func address(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
		if sa.ZoneId != 0 {
			if ifi, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = ifi.Name
			}
		}
		return a
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Net: "unix", Name: sa.Name}
	}
	return &net.UnixAddr{Net: "unix"}
}
