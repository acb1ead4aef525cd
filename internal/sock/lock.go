package sock

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrLocked says that a running narwhal has the address, so waiting does not help.
var ErrLocked = fmt.Errorf("%w by a narwhal", ErrInUse)

// takeLock makes this process the only master of an address. The lock is an abstract
// unix socket. Like the address, it is unique within the network namespace. It needs
// no writable directory, it ends with the process, and the kernel tells who holds it.
func takeLock(key string, a Addr) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", a, err)
	}
	name := &unix.SockaddrUnix{Name: lockName(key)}
	err = unix.Bind(fd, name)
	if err == nil {
		err = unix.Listen(fd, unix.SOMAXCONN) // connections of holderOf are never accepted, so each fills a place of the queue
	}
	if err == nil {
		return os.NewFile(uintptr(fd), "lock of "+a.String()), nil
	}
	defer unix.Close(fd)
	if !errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("lock %s: %w", a, err)
	}
	holder := "another one"
	if pid := holderOf(name); pid != 0 {
		holder = fmt.Sprintf("pid %d", pid)
	}
	return nil, fmt.Errorf("bind %s: %w: %s serves it; stop that one, or choose another --bind", a, ErrLocked, holder)
}

// lockName returns the name of the lock. It is a hash of the key, because a unix
// socket's path alone may be as long as a name can be.
func lockName(key string) string {
	name := "@narwhal/" + key
	if len(name) > maxUnixPath {
		name = fmt.Sprintf("@narwhal/%x", sha256.Sum256([]byte(key)))
	}
	return name
}

// holderOf asks the kernel which process listens on the lock.
func holderOf(name *unix.SockaddrUnix) int32 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if unix.Connect(fd, name) != nil {
		return 0
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return cred.Pid
}
