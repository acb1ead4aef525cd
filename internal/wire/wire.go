// Package wire is how master and worker talk: a SOCK_SEQPACKET socketpair, one
// JSON message a packet.
//
//	master                          worker
//	       ── hello (settings) ──▶
//	       ◀── ready ────────────          the model is loaded and it accepts
//	       ◀── failed (why) ─────          it cannot start; it exits next
//	       ◀── worn (why) ───────          replace me: it has served --max-requests, or was sent TERM
//	       ── reopen ───────────▶          log files were moved
//	       ── leave ────────────▶          fail /readyz from now on, and go on serving
//	       ── own ──────────────▶          of an upgrade: these sockets are ours now
//	       ── rebalance ────────▶          another worker has come: let clients connect anew
//	       ── drain ────────────▶          finish and exit 0
//	       ◀── EOF ──────────────▶         the other side is dead
//
// The descriptor is liveness both ways: when either process dies, however it
// dies, the other reads EOF at once. There is no version field, because a
// worker is the master's own executable (/proc/self/exe).
//
// A master that is being upgraded talks to the new one in the same way. These
// are of two versions, so kinds and fields are only ever added here:
//
//	old master                      new master
//	       ◀── begin (grace) ────          it is one, and may need that long
//	       ◀── ready ────────────          its workers serve
//	       ◀── failed (why) ─────          it cannot; it exits next
//	       ── own ──────────────▶          the sockets are yours; I leave
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/limits"
)

// Kind says what a message is.
type Kind string

// The messages, see the picture above.
const (
	Hello  Kind = "hello"
	Ready  Kind = "ready"
	Failed Kind = "failed"
	Worn   Kind = "worn"
	Reopen Kind = "reopen"
	Leave  Kind = "leave"
	Drain  Kind = "drain"
	Own    Kind = "own"
	Begin  Kind = "begin"

	Rebalance Kind = "rebalance"
)

// Message is one packet. Fields that do not belong to its kind are empty.
type Message struct {
	Kind  Kind          `json:"kind"`
	Hello *HelloMessage `json:"hello,omitempty"`
	Error string        `json:"error,omitempty"` // failed, worn: why
	Note  string        `json:"note,omitempty"`  // ready: what the application says of itself
	Queue bool          `json:"queue,omitempty"` // drain: answer what waits in the kernel's queue too
	Last  bool          `json:"last,omitempty"`  // drain: nobody goes on with the service
	Grace time.Duration `json:"grace,omitempty"` // drain, begin: how long that may take
	Ours  []bool        `json:"ours,omitempty"`  // own, to a worker: which listeners
}

// HelloMessage is all a worker needs to know.
type HelloMessage struct {
	Slot       int             `json:"slot"`       // 1…N, the «worker 3» an operator sees
	Generation int             `json:"generation"` // of the configuration
	Age        int             `json:"age"`        // serial number of the spawn
	Line       int             `json:"line"`       // its line of the scoreboard
	Listeners  []Listener      `json:"listeners"`  // in the order of the descriptors
	Worker     Worker          `json:"worker"`
	Settings   json.RawMessage `json:"settings"` // the application's, opaque to master and worker
}

// Listener is a socket the worker inherits.
type Listener struct {
	Addr string `json:"addr"`
	Ours bool   `json:"ours"` // made by the master; otherwise its opener goes on with it
}

// Worker is what the worker library itself is set to.
type Worker struct {
	Limits limits.Limits `json:"limits"`
	Sync   bool          `json:"sync"`   // one request at a time
	Linger time.Duration `json:"linger"` // how long a leaving worker leaves idle connections open
	Park   bool          `json:"park"`   // idle connections go to the master, package park
}

// Descriptors a worker is started with. Env says so: it is set in a worker's
// environment and nowhere else.
const (
	Env           = "NARWHAL_CTL"
	ControlFD     = 3
	BoardFD       = 4
	ParkFD        = 5
	SharedFD      = 6
	ScratchFD     = 7
	GiveFD        = 8 // the pair on which workers pass requests to each other
	TakeFD        = 9
	FirstListenFD = 10
)

// maxPacket bounds a message; settings are a few kilobytes.
const maxPacket = 128 << 10

// Conn is one end of the pair. Send and Recv may run at the same time.
type Conn struct{ file *os.File }

// Pair makes the two ends: the master's, and the file to hand to the worker.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	// The worker's end stays blocking until it has become the worker's: exec
	// would make it so anyway, and here nobody reads it.
	theirs := os.NewFile(uintptr(fds[1]), "worker end")
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		theirs.Close()
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return &Conn{os.NewFile(uintptr(fds[0]), "master end")}, theirs, nil
}

// Inherited makes a Conn of the descriptor a worker was started with.
func Inherited(fd int) (*Conn, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, fmt.Errorf("descriptor %d is not the socket of a master", fd)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return &Conn{os.NewFile(uintptr(fd), "worker end")}, nil
}

// ErrDeaf says that the other process has not read what it was sent before. The
// kernel holds hundreds of messages for it, so it was stopped or it hangs.
var ErrDeaf = errors.New("the other process does not read")

// Send sends one message. It never waits: the error is ErrDeaf if the other
// process has too much to read.
func (c *Conn) Send(m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	if len(b) > maxPacket {
		return fmt.Errorf("send %s: %d bytes, at most %d fit", m.Kind, len(b), maxPacket)
	}
	rc, err := c.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	var sent error
	err = rc.Write(func(fd uintptr) bool {
		for {
			if sent = unix.Send(int(fd), b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); sent != unix.EINTR {
				return true // whatever came of it
			}
		}
	})
	if sent == unix.EAGAIN {
		sent = ErrDeaf
	}
	if err := errors.Join(err, sent); err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	return nil
}

// Recv waits for the next message. io.EOF means that the other process is gone.
func (c *Conn) Recv() (Message, error) {
	var m Message
	buf := make([]byte, maxPacket+1)
	n, err := c.file.Read(buf)
	switch {
	case err == io.EOF || isReset(err):
		return m, io.EOF
	case err != nil:
		return m, err
	case n > maxPacket:
		return m, fmt.Errorf("received a message of more than %d bytes", maxPacket)
	}
	if err := json.Unmarshal(buf[:n], &m); err != nil {
		return m, fmt.Errorf("received a message that is not one: %w", err)
	}
	return m, nil
}

// isReset says whether the peer died with a message of ours unread.
func isReset(err error) bool {
	pe, ok := err.(*os.PathError)
	return ok && pe.Err == unix.ECONNRESET
}

// Close closes this end; the other one reads EOF.
func (c *Conn) Close() error { return c.file.Close() }
