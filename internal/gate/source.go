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

// source is where connections come from: a listening socket, or the connections
// that are parked with the master.
//
// The gate works on the descriptors themselves: a place has to be taken between
// the moment a connection is there and the moment it is accepted. With a listener
// of package net, the accept that already waits would take a connection for which
// the worker has no place.
type source struct {
	g     *Gate
	file  *os.File
	fd    int
	kind  kind
	addr  net.Addr
	ready bool // something may wait there
	short bool // of descriptors or memory, when it was asked last
}

type kind int

const (
	fromListen kind = iota // a listening socket
	fromPark               // the master, which keeps idle ones
	fromShare              // siblings, see share.go
)

// Listen adds a listening socket. The file must be non-blocking; it belongs to
// the gate from then on. When the gate closes it, the socket stays open in the
// other processes that hold it.
func (g *Gate) Listen(file *os.File) error { return g.add(file, fromListen) }

// Unpark adds the connections that were parked. The file is the workers' end of
// the pair of package park, and another one than Options.Park, to which
// connections are still passed when this is closed. Otherwise it is as with
// Listen.
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

// close lets go of a source. Only this process does. g.mu is held.
func (s *source) close() {
	_ = unix.EpollCtl(s.g.ep, unix.EPOLL_CTL_DEL, s.fd, nil) // another process may hold it, so close would leave it there
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

// keepNonblock sets O_NONBLOCK again. The flag belongs to the open file
// description, which all workers and the master share, so any process that
// holds the socket can clear it, and accept would then block in the kernel.
func (s *source) keepNonblock() error {
	if err := unix.SetNonblock(s.fd, true); err != nil {
		return fmt.Errorf("listener %s: %w", s.file.Name(), err)
	}
	return nil
}

// KeepNonblock does so for all sources of the gate.
func (g *Gate) KeepNonblock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sources {
		_ = s.keepNonblock() // a socket that is bad for F_SETFL is bad for accept, which reports it
	}
}

// takeAtMost is how many connections are taken before other events are looked at.
// Silent ones need no place, so places do not bound them, and each takes some 50 µs.
const takeAtMost = 16

// takeIn takes connections while there are places for them, one from each source
// in turn. If it takes as many as it may, tick goes on. g.mu is held.
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

// takeOne takes a connection if there is one and it may be taken. g.mu is held.
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
			g.guest = false // a sibling was faster
			s.ready = false
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		case err == io.EOF: // no more is parked: the service ends, or the master is dead
			s.close()
			return false
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			// What is open has to end first; the connection waits in the queue.
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
		return s.g.admit(fd, nil, nil)
	}
	fd, sa, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	return s.g.admit(fd, s.addr, sa)
}

// over says whether this source gives no more. When the service ends, parked
// connections are taken until the master has no more. g.mu is held.
func (s *source) over() bool { return s.g.stage >= closed && !(s.kind == fromPark && s.g.last) }

// mayAccept says whether one more connection may be accepted. g.mu is held.
func (g *Gate) mayAccept() bool {
	return len(g.clients) < g.o.WorkerConnections && g.memory < int(g.o.LimitBuffers) && g.placeFree()
}

// placeFree says whether a request that came now would get a place. g.mu is held.
func (g *Gate) placeFree() bool {
	return g.o.LimitConcurrency > 0 || g.taken+g.fifo.Len() < g.o.Threads || g.guest
}

// spills says whether the kernel's queue is so long that a connection is to be
// accepted without a place. When the queue is full, the kernel lets clients try
// again after seconds, and after some ten seconds resets those it has already told
// that they are connected. So a queue that is more than half full is accepted from
// without a place, but not with Sync, which has one at a time whatever comes. The
// price: at the end of such a peak a worker may still have some of what it took
// while another is done (share.go passes it on), and a crash costs more than what
// ran. g.mu is held.
func (s *source) spills() bool {
	if s.kind != fromListen || s.g.o.Sync || len(s.g.clients) >= s.g.o.WorkerConnections || s.g.memory >= int(s.g.o.LimitBuffers) {
		return false
	}
	now, limit := sock.Queued(s.fd)
	return now > limit/2
}

// othersWait says whether a connection waits to be accepted or taken. g.mu is held.
func (g *Gate) othersWait() bool {
	for _, s := range g.turn {
		if s.kind != fromShare && s.ready && park.Readable(s.fd) {
			return true
		}
	}
	return false
}

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
