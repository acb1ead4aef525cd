// Package park keeps idle connections with the master instead of with the
// worker that happened to serve them.
//
// A kept connection that stays with its worker spoils three things: its next
// request waits for that worker although another idles; a new worker gets
// nothing to do; and a worker that dies takes connections with it on which
// nothing ran. So a connection that becomes idle is passed to the master, which
// watches it, and when something arrives on it, to whichever worker takes it:
//
//	worker 1 ── idle ──▶ ┐                                 ┌─▶ worker 1
//	worker 2 ── idle ──▶ ├─▶ master: waits for data ── ready ─▶ worker 2
//	worker 3 ── idle ──▶ ┘          or for the time out    └─▶ worker 3
//
// Both ways lead over one pair of SOCK_SEQPACKET sockets: the master has one
// end, all workers share the other. A message is one descriptor (SCM_RIGHTS)
// and the time it may stay idle. What the workers' end has received is a queue
// of connections with requests, and they take from it as they accept from the
// listening sockets: with a free place, whoever comes first.
//
// The two ends outlive their masters: in an upgrade the next master inherits
// both, and the old one leaves it the parked connections by passing them in as
// a worker does.
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

// ErrFull says that the other side has not yet taken what was passed before,
// or that the kernel holds as many descriptors on their way as it allows.
var ErrFull = errors.New("too many connections are being passed")

// Pass sends a connection over an end of the pair. The sender keeps its own
// descriptor and may close it: the connection stays open. left is how long the
// receiver may leave it idle; 0 means for ever.
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

// Take receives a connection. It returns unix.EAGAIN if there is none, and
// io.EOF when the other side passes no more.
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

// Readable says whether a descriptor has something to be read, a connection to
// be accepted or an end, without waiting.
func Readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

// Alone says whether nobody holds the other end any more.
func Alone(end int) bool {
	p := []unix.PollFd{{Fd: int32(end)}}
	_, err := unix.Poll(p, 0)
	return err == nil && p[0].Revents&unix.POLLHUP != 0
}

// Look says whether something has arrived, or the client has hung up, without
// waiting and without reading.
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

// file wraps a descriptor so that it is in no poller of the runtime and Fd
// leaves its O_NONBLOCK alone, which it shares with other processes: os.NewFile
// looks at the flag once.
func file(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	return f, unix.SetNonblock(fd, true)
}
