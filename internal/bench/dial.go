package bench

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn has the methods of a connection that the client uses. *os.File has them, and
// net.Conn, which tests use.
type conn interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
	SetDeadline(t time.Time) error
	Close() error
}

// dial connects to the target. It needs four system calls, and net.Dialer needs nine. In
// a burst of a thousand new connections that saves a third of the client's work, and
// client and server share the processors. The socket becomes an *os.File. It is in
// non-blocking mode, so the runtime's poller waits for it, as for a net.Conn.
//
// If the connection is not made at once, wait is not nil. Call wait before the first use
// of c. A deadline that is set before ends wait, too.
func (t *target) dial() (c conn, wait func() error, err error) {
	family, address := t.socket()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, failedConnect{os.NewSyscallError("socket", err)}
	}
	err = unix.Connect(fd, address)
	f := os.NewFile(uintptr(fd), t.address)
	switch err {
	case nil:
		return f, nil, nil
	case unix.EINPROGRESS, unix.EINTR:
		return f, func() error { return t.finish(f, address) }, nil
	}
	f.Close()
	return nil, nil, t.failed(err)
}

func (t *target) failed(err error) error {
	return failedConnect{fmt.Errorf("connect to %s: %w", t.address, err)}
}

// finish waits until a connection is made. It calls connect again, which returns
// EALREADY while the connection is not made. SO_ERROR would be 0 then.
func (t *target) finish(f *os.File, address unix.Sockaddr) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return t.failed(err)
	}
	var result error
	err = raw.Write(func(fd uintptr) bool {
		switch result = unix.Connect(int(fd), address); result {
		case unix.EALREADY, unix.EINPROGRESS, unix.EINTR:
			return false
		case unix.EISCONN:
			result = nil
		}
		return true
	})
	if err == nil {
		err = result
	}
	if err != nil {
		return t.failed(err)
	}
	return nil
}

// stale reports whether the server has closed an idle connection, or has sent bytes that
// no request asked for. It cannot see a close that has not arrived yet.
func stale(raw syscall.RawConn) bool {
	gone := false
	var b [1]byte
	// raw.Read would fail if the last request's deadline has passed meanwhile.
	err := raw.Control(func(fd uintptr) {
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = err != unix.EAGAIN && err != unix.EINTR
	})
	return gone || err != nil
}
