package gate

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listener accepts only while the gate lets it. It works on the descriptor
// itself, because a place has to be taken between the moment a connection is
// there and the moment it is accepted: with a listener of package net the one
// accept that already waits would take a connection the worker has no place for.
type listener struct {
	g    *Gate
	file *os.File
	rc   syscall.RawConn
	addr net.Addr
	done sync.Once
}

// Listen wraps a listening socket. The file must be non-blocking; it belongs to
// the listener from then on. Closing it leaves the socket itself to the other
// processes that hold it.
func (g *Gate) Listen(file *os.File) (net.Listener, error) {
	rc, err := file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", file.Name(), err)
	}
	l := &listener{g: g, file: file, rc: rc}
	var sa unix.Sockaddr
	if cerr := rc.Control(func(fd uintptr) { sa, err = unix.Getsockname(int(fd)) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("listener %s: getsockname: %w", file.Name(), errors.Join(cerr, err))
	}
	l.addr = address(sa)
	if err := l.KeepNonblock(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.listeners[l] = struct{}{}
	g.mu.Unlock()
	return l, nil
}

// KeepNonblock sets O_NONBLOCK again. The flag belongs to the open file
// description, which all workers and the master share, so any process that
// holds the socket can clear it, and accept would then block in the kernel.
func (l *listener) KeepNonblock() error {
	var err error
	if cerr := l.rc.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), true) }); cerr != nil {
		return nil // closed meanwhile
	}
	if err != nil {
		return fmt.Errorf("listener %s: %w", l.file.Name(), err)
	}
	return nil
}

// KeepNonblock does so for all listeners of the gate.
func (g *Gate) KeepNonblock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for l := range g.listeners {
		_ = l.KeepNonblock() // a socket that is bad for F_SETFL is bad for accept, which reports it
	}
}

// Accept waits for a free place and then for a connection. It returns
// net.ErrClosed once the worker leaves.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.accept()
		switch {
		case c != nil:
			return c, nil
		case errors.Is(err, net.ErrClosed):
			l.Close()
			return nil, net.ErrClosed
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			// Out of descriptors or memory: what is open has to end first, and the
			// connection waits in the queue meanwhile. Returning the error would
			// make servers end or sleep much longer.
			l.g.starve(err)
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: err}
		}
	}
}

// quiet is how long a queue must stay empty before a leaving worker believes
// that nobody is connected and not yet accepted. It covers a handshake under
// way and TCP_DEFER_ACCEPT, which hides a connection until its data is there.
const quiet = 100 * time.Millisecond

// accept makes one attempt; neither a connection nor an error means try again.
func (l *listener) accept() (c *Conn, err error) {
	g := l.g
	g.mu.Lock()
	for g.stage < closed && !g.mayAccept() {
		g.change.Wait()
	}
	now := g.stage
	switch now {
	case open:
		err = l.file.SetReadDeadline(time.Time{})
	case emptying:
		err = l.file.SetReadDeadline(time.Now().Add(quiet))
	default:
		err = net.ErrClosed
	}
	g.mu.Unlock()
	if errors.Is(err, os.ErrClosed) {
		err = net.ErrClosed
	}
	if err != nil {
		return nil, err
	}

	rerr := l.rc.Read(func(fd uintptr) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.stage >= closed || !g.mayAccept() {
			return true // the place was taken, or the worker leaves: look again
		}
		c, err = l.take(int(fd))
		if err == unix.EAGAIN {
			err = nil
			return false // wait until the queue has something
		}
		return true
	})
	switch {
	case c != nil || err != nil:
		return c, err
	case errors.Is(rerr, os.ErrDeadlineExceeded) && now == emptying:
		return nil, net.ErrClosed
	case errors.Is(rerr, os.ErrDeadlineExceeded):
		return nil, nil // woken because the stage changed
	case rerr != nil:
		return nil, net.ErrClosed
	}
	return nil, nil
}

// take accepts one connection with a place. g.mu is held.
func (l *listener) take(fd int) (*Conn, error) {
	for {
		nfd, sa, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			return l.g.admit(nfd, l.addr, address(sa))
		case unix.EINTR, unix.ECONNABORTED:
			continue
		default:
			return nil, err
		}
	}
}

// Close stops accepting. Only this process lets go of the socket.
func (l *listener) Close() error {
	var err error = net.ErrClosed
	l.done.Do(func() {
		l.g.mu.Lock()
		delete(l.g.listeners, l)
		l.g.change.Broadcast()
		l.g.mu.Unlock()
		err = l.file.Close()
	})
	return err
}

func (l *listener) Addr() net.Addr { return l.addr }

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
