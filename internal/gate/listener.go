package gate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/park"
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
	park bool // not a listening socket, but where parked connections come from
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

// Unpark gives the connections that were parked, as a listener. The file is the
// workers' end of the pair of package park, and another one than Options.Park,
// to which connections are still passed when this is closed. Otherwise it is as
// with Listen.
func (g *Gate) Unpark(file *os.File) (net.Listener, error) {
	rc, err := file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("parked connections: %w", err)
	}
	l := &listener{g: g, file: file, rc: rc, addr: &net.UnixAddr{Net: "unix"}, park: true}
	if err := l.KeepNonblock(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.listeners[l] = struct{}{}
	g.mu.Unlock()
	return l, nil
}

// unpark takes a connection with a place. g.mu is held.
func (l *listener) unpark(fd int) (*Conn, error) {
	conn, _, err := park.Take(fd)
	switch {
	case err == io.EOF:
		return nil, net.ErrClosed // the service ends, or the master is dead
	case err != nil:
		return nil, err
	}
	local, err := unix.Getsockname(conn)
	if err != nil {
		unix.Close(conn)
		return nil, fmt.Errorf("a parked connection: getsockname: %w", err)
	}
	remote, err := unix.Getpeername(conn)
	if err != nil { // it was reset meanwhile, which the server is to find
		remote = local
	}
	return l.g.admit(conn, address(local), address(remote))
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
	for !l.over() && (!l.itsTurn() || !g.mayAccept() && !g.mayReap() && !l.crowded()) {
		g.change.Wait()
	}
	now := g.stage
	switch {
	case l.over():
		err = net.ErrClosed
	case now == emptying && !l.park:
		err = l.file.SetReadDeadline(time.Now().Add(quiet))
	default:
		err = l.file.SetReadDeadline(time.Time{})
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
		switch {
		case l.over() || !l.itsTurn() || l.yields():
			return true // the place was taken, or the worker leaves: look again
		case !g.mayAccept() && !l.spills(fd):
			if !g.mayReap() {
				return true
			}
			if !park.Readable(int(fd)) {
				return false // nobody waits to be let in
			}
			g.reap()
			return true
		}
		c, err = l.take(int(fd))
		l.hasTaken()
		g.guest = false // it was let in, or a sibling was faster
		if err == unix.EAGAIN {
			err = nil
			return false // wait until the queue has something
		}
		return true
	})
	switch {
	case c != nil || err != nil:
		return c, err
	case errors.Is(rerr, os.ErrDeadlineExceeded) && now == emptying && !l.park:
		return nil, net.ErrClosed
	case errors.Is(rerr, os.ErrDeadlineExceeded):
		return nil, nil // woken because the stage changed
	case rerr != nil:
		return nil, net.ErrClosed
	}
	return nil, nil
}

// over says whether this listener takes no more. When the service ends, parked
// connections are taken until the master has no more. g.mu is held.
func (l *listener) over() bool { return l.g.stage >= closed && !(l.park && l.g.last) }

// Of several listeners none may starve the others: the one that took the last
// connection lets another that has one waiting go first.

// itsTurn says whether this listener may take. g.mu is held.
func (l *listener) itsTurn() bool { return l.g.turn == nil || l.g.turn == l }

// yields gives the turn to another listener if it is that one's, and says so.
// g.mu is held.
func (l *listener) yields() bool {
	g := l.g
	if g.turn != nil || g.took != l {
		return false
	}
	for o := range g.listeners {
		if o != l && o.readable() {
			g.turn = o
			g.change.Broadcast()
			return true
		}
	}
	return false
}

// hasTaken is called when this listener has taken a connection, or has found that a
// sibling was faster. g.mu is held.
func (l *listener) hasTaken() {
	l.g.took = l
	if l.g.turn == l {
		l.g.turn = nil
		l.g.change.Broadcast()
	}
}

// readable says whether a connection waits.
func (l *listener) readable() bool {
	waits := false
	_ = l.rc.Control(func(fd uintptr) { waits = park.Readable(int(fd)) }) // closed means nothing waits
	return waits
}

// take accepts one connection with a place. g.mu is held.
func (l *listener) take(fd int) (*Conn, error) {
	if l.park {
		return l.unpark(fd)
	}
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
		if l.g.turn == l {
			l.g.turn = nil
		}
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
