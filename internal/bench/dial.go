package bench

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn is the part of a connection the client uses. *os.File is one, and so is
// net.Conn, which tests use.
type conn interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
	SetDeadline(t time.Time) error
	Close() error
}

// dial connects with four system calls where net.Dialer needs nine. In a burst
// of a thousand new connections that is a third of the client's work, and client
// and server share the processors. The socket becomes an *os.File: since it does
// not block, the runtime's poller waits for it as it does for a net.Conn.
//
// If the connection is not made at once, wait is not nil and has to be called
// before the first use. Until then a deadline can be set, and cuts wait short.
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

// finish waits until a connection is made. It asks by connecting again, which
// says EALREADY as long as it is not; SO_ERROR would say 0 then.
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

// stale looks whether the server has closed an idle connection, or has sent what
// nobody asked for. The closing may still be on its way: then the request will
// meet it.
func stale(raw syscall.RawConn) bool {
	gone := false
	var b [1]byte
	// Not raw.Read: it fails when the last request's deadline has passed meanwhile.
	err := raw.Control(func(fd uintptr) {
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = err != unix.EAGAIN && err != unix.EINTR
	})
	return gone || err != nil
}
