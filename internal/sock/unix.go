package sock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/folder"
)

// openUnix binds a socket file. It replaces the socket file of a master that is dead.
// If a process answers on the socket, or the file is no socket, the file stays and an
// error says so.
func openUnix(a Addr, access Access) (*Socket, error) {
	if !a.Abstract() {
		abs, err := filepath.Abs(a.Address)
		if err != nil {
			return nil, fmt.Errorf("bind %s: %w", a, err)
		}
		a.Address = abs
	}
	lock, err := takeLock("unix:"+a.Address, a)
	if err != nil {
		return nil, err
	}
	s, err := bindUnix(a, access)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

func bindUnix(a Addr, access Access) (*Socket, error) {
	if !a.Abstract() {
		if err := clearStale(a); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		// The file begins with this mode less the umask: at no time may anybody
		// connect who must not.
		cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), uint32(access.Mode)) })
		return errors.Join(cerr, err)
	}}
	l, err := lc.Listen(context.Background(), "unix", a.Address)
	if err != nil {
		return nil, unixError(a, err)
	}
	ln := l.(*net.UnixListener)
	ln.SetUnlinkOnClose(false) // only the Go listener is closed; the socket stays
	file, err := rawFile(ln, a.String())
	ln.Close()
	if err != nil {
		return nil, err
	}
	s := &Socket{Addr: a, File: file, ours: true}
	if !a.Abstract() {
		s.ino = inode(a.Address)
		if err := access.apply(a); err != nil {
			s.unlink()
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// unixError names the folder in which the file cannot be made, or the process that
// has the name.
func unixError(a Addr, err error) error {
	if wrapped := (*os.SyscallError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the address is said already
	}
	if a.Abstract() && errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("bind %s: %w: stop the other program (ss -lxp shows it), or choose another name", a, ErrInUse)
	}
	if !a.Abstract() {
		if p := folder.Check(a.Address); p != nil {
			return fmt.Errorf("bind %s: %w", a, p)
		}
	}
	return fmt.Errorf("bind %s: %w", a, err)
}

func clearStale(a Addr) error {
	info, err := os.Lstat(a.Address)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return unixError(a, err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("bind %s: the path exists and is not a socket: remove it, or choose another path", a)
	}
	c, err := net.Dial("unix", a.Address)
	switch {
	case err == nil:
		c.Close()
		return fmt.Errorf("bind %s: %w: a server answers there; stop it, or choose another path", a, ErrInUse)
	case errors.Is(err, unix.ECONNREFUSED):
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("bind %s: %w: a server with a full queue listens there; stop it, or choose another path", a, ErrInUse)
	default:
		return fmt.Errorf("bind %s: cannot find out whether another server uses the socket: %w", a, err)
	}
	if err := os.Remove(a.Address); err != nil {
		if p := folder.Check(a.Address); p != nil {
			return fmt.Errorf("bind %s: remove the stale socket: %w", a, p)
		}
		return fmt.Errorf("bind %s: remove the stale socket: %w", a, err)
	}
	return nil
}

func inode(path string) uint64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
