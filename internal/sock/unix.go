package sock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// openUnix binds a socket file. A stale one, whose master is dead, is replaced;
// one that answers, and any other file, is left alone and reported.
func openUnix(a Addr) (*Socket, error) {
	abs, err := filepath.Abs(a.Address)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", a, err)
	}
	lock, err := takeLock("unix:"+abs, a)
	if err != nil {
		return nil, err
	}
	if err := clearStale(a); err != nil {
		lock.Close()
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: a.Address})
	if err != nil {
		lock.Close()
		if errors.Is(err, unix.ENOENT) {
			return nil, fmt.Errorf("bind %s: the folder %s does not exist: make it, or choose another path", a, filepath.Dir(a.Address))
		}
		return nil, fmt.Errorf("bind %s: %w", a, err)
	}
	ln.SetUnlinkOnClose(false) // only the Go listener is closed; the socket stays
	file, err := rawFile(ln, a.String())
	ln.Close()
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &Socket{Addr: a, File: file, lock: lock, ours: true, ino: inode(a.Address)}, nil
}

func clearStale(a Addr) error {
	info, err := os.Lstat(a.Address)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("bind %s: %w", a, err)
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
		return fmt.Errorf("bind %s: is the socket there stale? %w", a, err)
	}
	if err := os.Remove(a.Address); err != nil {
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
