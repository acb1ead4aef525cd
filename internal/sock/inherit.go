package sock

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Bound returns the address that descriptor n listens on. It returns fd://N if n is
// not a listening socket, or has an address that Parse has no form for.
func Bound(fd int) Addr {
	unknown := Addr{"fd", strconv.Itoa(fd)}
	if v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || v == 0 {
		return unknown
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return unknown
	}
	switch n := name.(type) {
	case *unix.SockaddrInet4:
		return Addr{"tcp", netip.AddrPortFrom(netip.AddrFrom4(n.Addr), uint16(n.Port)).String()}
	case *unix.SockaddrInet6:
		if n.ZoneId == 0 {
			return Addr{"tcp", netip.AddrPortFrom(netip.AddrFrom16(n.Addr), uint16(n.Port)).String()}
		}
	case *unix.SockaddrUnix:
		if a := (Addr{"unix", n.Name}); filepath.IsAbs(n.Name) || a.Abstract() && n.Name != "@" {
			return a
		}
	}
	return unknown
}

// Takes reports whether a socket that is bound to the address bound is what address a
// asks for. A host's name is resolved first. All ways to write "every interface" are
// equal.
func (a Addr) Takes(bound Addr) bool {
	switch {
	case a.Network != bound.Network:
		return false
	case a.Abstract() || bound.Abstract():
		return a == bound
	case a.Network == "unix":
		abs, err := filepath.Abs(a.Address)
		return err == nil && abs == filepath.Clean(bound.Address)
	case a.Network == "fd":
		return a == bound
	}
	want, err := resolve(a)
	if err != nil {
		return false
	}
	have, err := resolve(bound)
	if err != nil || want.Port != have.Port {
		return false
	}
	everywhere := func(ip net.IP) bool { return ip == nil || ip.IsUnspecified() }
	return everywhere(want.IP) && everywhere(have.IP) || want.IP.Equal(have.IP)
}

// Inherit takes the listening socket fd that another process opened, under the name
// a. This process never shuts it down for others. The number fd is free afterwards.
func Inherit(fd int, a Addr) (*Socket, error) {
	s, err := adopt(Addr{"fd", strconv.Itoa(fd)})
	if err != nil {
		return nil, err
	}
	unix.Close(fd)
	s.Addr, s.asked = a, a
	return s, nil
}

// TakeBack takes a socket that an earlier process of this service opened and gave to
// systemd to keep. The result is like that of Open; clients that came in between wait
// in its queue. A unix socket whose file is gone is an error: no client can reach it.
func TakeBack(fd int, a Addr, backlog int, access Access) (*Socket, error) {
	var key string
	if a.Network == "tcp" {
		resolved, err := resolve(a)
		if err != nil {
			return nil, fmt.Errorf("take back %s: %w", a, err)
		}
		key = "tcp:" + resolved.String() // as in openTCP
	} else {
		key = "unix:" + a.Address
		if a.Abstract() { // the name lives as long as the socket
		} else if info, err := os.Lstat(a.Address); err != nil || info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("take back %s: its file is gone", a)
		}
	}
	lock, err := takeLock(key, a)
	if err != nil {
		return nil, err
	}
	s, err := Inherit(fd, a)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock, s.ours = lock, true
	if a.Network == "unix" && !a.Abstract() {
		s.ino = inode(a.Address)
		err = access.apply(a)
	}
	// The process before may have refused new connections when it stopped, or its
	// workers may have done so when it died.
	detached := unix.SetsockoptInt(int(s.File.Fd()), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	if errors.Is(detached, unix.ENOENT) {
		detached = nil
	}
	if err = errors.Join(err, detached, unix.Listen(int(s.File.Fd()), backlog)); err != nil {
		s.Close()
		return nil, fmt.Errorf("take back %s: %w", a, err)
	}
	return s, nil
}

// Keep notes that systemd holds a copy of the socket for a later process of this
// service. From then on Refuse does nothing: new clients wait in the queue.
func (s *Socket) Keep() { s.kept = true }
