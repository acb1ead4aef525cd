// Package park keeps idle connections with the master instead of with the
// worker that happened to serve them.
//
// A kept connection that stays with its worker has three costs. Its next request
// waits for that worker although another one is idle. A new worker gets no requests
// from clients that keep connections. A worker that dies closes connections on which
// no request ran. So the worker passes a connection that becomes idle to the master.
// When data arrives, the master passes it to whichever worker takes it first:
//
//	worker 1 ── idle ──▶ ┐                                 ┌─▶ worker 1
//	worker 2 ── idle ──▶ ├─▶ master: waits for data ── ready ─▶ worker 2
//	worker 3 ── idle ──▶ ┘          or for the time out    └─▶ worker 3
//
// Master and workers use one pair of SOCK_SEQPACKET sockets: the master has one end,
// all workers share the other. A message is a descriptor (SCM_RIGHTS) and the time
// that the connection may stay idle. The messages that wait at the workers' end are a
// queue of connections with requests. Workers take from it as they accept from a
// listening socket: whoever has a free place first.
//
// In an upgrade the new master inherits both ends. The old master passes the parked
// connections to it through the workers' end, as a worker does.
package park

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrFull says that the queue of the pair is full: the other side has not taken
// earlier connections yet, or the kernel holds as many descriptors in messages as it
// allows.
var ErrFull = errors.New("too many connections are being passed")

// Pass sends a connection through an end of the pair. The sender keeps its
// descriptor, and may close it without closing the connection. left is how long the
// receiver keeps the connection while it is idle; 0 means no limit.
func Pass(end, conn int, left time.Duration) error {
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], uint64(left))
	for {
		switch err := unix.Sendmsg(end, head[:], unix.UnixRights(conn), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err {
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.ETOOMANYREFS:
			return ErrFull
		default:
			return err
		}
	}
}

// Take receives a connection. It does not wait: the error is unix.EAGAIN if there is
// none, and io.EOF if the other side has ended.
func Take(end int) (conn int, left time.Duration, err error) {
	var head [8]byte
	oob := make([]byte, unix.CmsgSpace(4))
	var n, oobn, flags int
	for {
		n, oobn, flags, _, err = unix.Recvmsg(end, head[:], oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	switch {
	case err != nil:
		return -1, 0, err
	case n == 0:
		return -1, 0, io.EOF
	case flags&unix.MSG_CTRUNC != 0:
		return -1, 0, fmt.Errorf("a connection was lost on its way: %w: raise LimitNOFILE (ulimit -n), or lower --worker-connections", unix.EMFILE)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return -1, 0, fmt.Errorf("a message without a connection: %w", errors.Join(unix.EINVAL, err))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, 0, fmt.Errorf("a message without a connection: %w", errors.Join(unix.EINVAL, err))
	}
	return fds[0], time.Duration(binary.LittleEndian.Uint64(head[:])), nil
}

// Readable reports, without waiting, whether a descriptor has data, a connection to
// accept, or an end of file.
func Readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

// Alone reports whether no process holds the other end of the pair any more.
func Alone(end int) bool {
	p := []unix.PollFd{{Fd: int32(end)}}
	_, err := unix.Poll(p, 0)
	return err == nil && p[0].Revents&unix.POLLHUP != 0
}

// Look reports whether data has arrived on a connection, and whether the client has
// closed it. It neither waits nor reads.
func Look(conn int) (data, gone bool) {
	var one [1]byte
	for {
		n, _, err := unix.Recvfrom(conn, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false, false
		default:
			return n > 0, err != nil || n == 0
		}
	}
}

// file wraps a descriptor in an *os.File outside of the runtime's poller. Fd then does
// not change O_NONBLOCK, which other processes share. os.NewFile looks at the flag
// once, so it is cleared for that moment.
func file(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	return f, unix.SetNonblock(fd, true)
}
