package sock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is a listening socket a master holds.
type Socket struct {
	Addr  Addr
	File  *os.File // non-blocking, in no poller
	asked Addr     // what Open was given: with port 0, fd://N
	lock  *os.File // nil for sockets of a parent
	ours  bool     // this process may shut it down for all processes, see Ours
	due   bool     // in an upgrade: ours is set when the old master leaves
	kept  bool     // systemd keeps a copy for a later process of the service
	ino   uint64   // inode of the unix socket's file, so that no other file is unlinked

	access Access // to that file
}

// Open makes the listening socket of an address. For fd://N it takes the inherited
// descriptor. The error says what to do.
func Open(a Addr, backlog int, access Access) (*Socket, error) {
	var s *Socket
	var err error
	switch a.Network {
	case "fd":
		s, err = adopt(a)
	case "unix":
		s, err = openUnix(a, access)
	default:
		s, err = openTCP(a)
	}
	if err != nil {
		return nil, err
	}
	s.asked, s.access = a, access
	// Package net has no way to set the backlog. A second listen(2) sets it.
	if s.ours {
		if err := unix.Listen(int(s.File.Fd()), backlog); err != nil {
			s.Close()
			return nil, fmt.Errorf("listen on %s: %w", a, err)
		}
	}
	return s, nil
}

// openTCP binds with SO_REUSEPORT, so another program of the same user can bind the
// address while this master still has it. The lock and probe prevent that two masters
// bind one address by accident.
func openTCP(a Addr) (*Socket, error) {
	resolved, err := resolve(a)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", a, err)
	}
	var lock *os.File
	if resolved.Port != 0 {
		if lock, err = takeLock("tcp:"+resolved.String(), a); err != nil {
			return nil, err
		}
		if err := probe(resolved); err != nil {
			lock.Close()
			return nil, err
		}
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(s uintptr) {
			fd := int(s)
			err = errors.Join(
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
				// A worker need not wake up for a connection without data.
				unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1),
				// Accepted sockets inherit these options, which saves system calls.
				unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1),
			)
		})
		return errors.Join(cerr, err)
	}}
	lc.SetMultipathTCP(false) // MPTCP is Go's default for listeners; Refuse's filter does not work on it
	ln, err := lc.Listen(context.Background(), "tcp", resolved.String())
	if err != nil {
		if lock != nil {
			lock.Close()
		}
		return nil, bindError(a, err)
	}
	bound := ln.Addr().(*net.TCPAddr)
	if lock == nil { // port 0: now the port is known
		if lock, err = takeLock("tcp:"+bound.String(), a); err != nil {
			ln.Close()
			return nil, err
		}
	}
	name := a
	name.Address = net.JoinHostPort(host(a.Address), strconv.Itoa(bound.Port))
	file, err := rawFile(ln.(syscall.Conn), name.String())
	ln.Close()
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &Socket{Addr: name, File: file, lock: lock, ours: true}, nil
}

func host(address string) string {
	h, _, _ := net.SplitHostPort(address)
	return h
}

// probe binds without SO_REUSEPORT, which fails if anybody listens there, with
// the option or without, on this address or on all of them.
func probe(a *net.TCPAddr) error {
	ln, err := net.ListenTCP("tcp", a)
	if err != nil {
		return bindError(Addr{"tcp", a.String()}, err)
	}
	return ln.Close()
}

// ErrInUse says that another process has the address. That may be the workers of a
// master that was killed: they leave within seconds.
var ErrInUse = errors.New("the address is in use")

func bindError(a Addr, err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("bind %s: %w: stop the other program (ss -ltnp shows it), or choose another --bind", a, ErrInUse)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("bind %s: permission denied: ports below %s need a privilege; choose another --bind, or give the program CAP_NET_BIND_SERVICE",
			a, unprivilegedPort())
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("bind %s: this machine has no such address (ip addr shows its addresses)", a)
	}
	return fmt.Errorf("bind %s: %w", a, err)
}

func unprivilegedPort() string {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return "1024"
	}
	return strings.TrimSpace(string(b))
}

// rawFile copies the descriptor out of a listener. It does not use File(), because
// os/exec clears O_NONBLOCK of such a file when it passes it to a child. The flag
// belongs to the open file description, which all workers share, so every running
// worker would hang in accept until the new worker sets the flag again. rawFile makes
// its file while the flag is off: then the file is in no poller, and Fd() does not
// change the flag afterwards.
func rawFile(c syscall.Conn, name string) (*os.File, error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	if cerr := rc.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 3) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("socket %s: %w", name, errors.Join(cerr, err))
	}
	return unpolled(fd, name)
}

func unpolled(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("socket %s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	if err := unix.SetNonblock(fd, true); err != nil {
		file.Close()
		return nil, fmt.Errorf("socket %s: %w", name, err)
	}
	return file, nil
}

// adopt takes a socket that another process opened. This process never shuts it down
// for others.
func adopt(a Addr) (*Socket, error) {
	n, err := strconv.Atoi(a.Address)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", a, err)
	}
	if v, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || v == 0 {
		return nil, fmt.Errorf("bind %s: descriptor %d is not a listening socket: the program that starts narwhal must open and pass it", a, n)
	}
	fd, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", a, err)
	}
	unix.CloseOnExec(n)
	file, err := unpolled(fd, a.String())
	if err != nil {
		return nil, err
	}
	name := Bound(n) // what clients connect to
	return &Socket{Addr: name, File: file}, nil
}

// Ours reports whether this process created the socket. Only then may it shut the
// socket down. Another process (systemd, the parent) still serves the queue of any
// other socket.
func (s *Socket) Ours() bool { return s.ours && !s.kept }

// Close closes this process's descriptors. Other processes keep theirs.
func (s *Socket) Close() error {
	err := s.File.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}
