// Package wire has the messages between master and worker. Each message is JSON in one
// packet of a SOCK_SEQPACKET pair.
//
//	master                          worker
//	       ── hello (settings) ──▶         the first message
//	       ◀── ready ────────────          the model is loaded and the worker accepts
//	       ◀── failed (why) ─────          the worker cannot start and exits next
//	       ◀── worn (why) ───────          replace me: --max-requests are served, or TERM came
//	       ◀── metrics (accept) ─          a client of mine wants the metrics of the service
//	       ── metrics (text) ───▶          these are they
//	       ── reopen ───────────▶          open the log files again
//	       ── leave ────────────▶          fail /readyz from now on, and go on serving
//	       ── own ──────────────▶          after an upgrade: these sockets are now ours
//	       ── rebalance ────────▶          another worker has started: make clients connect again
//	       ── drain ────────────▶          answer what you have and exit with 0
//	       ◀── settled ──────────          after a drain with last: I park no connection any more
//	       ◀── EOF ──────────────▶         the other process is dead
//
// When either process dies, for whatever reason, the other one reads EOF at once. The
// messages have no version, because a worker is the master's own executable
// (/proc/self/exe).
//
// In an upgrade the old and the new master use the same messages. The two masters may be
// of different versions, so kinds and fields are only added here, never changed:
//
//	old master                      new master
//	       ◀── begin (grace) ────          it has started, and needs at most grace to be ready
//	       ◀── ready ────────────          its workers serve
//	       ◀── failed (why) ─────          it cannot start and exits next
//	       ── totals ───────────▶          what was counted until now, in several messages
//	       ── own ──────────────▶          the sockets are yours; the old master leaves
//	       ── events ───────────▶          what has happened in the last hour
//	       ── totals ───────────▶          the same again, until the old master has no worker
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

// Kind is the kind of a message.
type Kind string

// The kinds. The package comment says what each one means.
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
	Totals Kind = "totals"
	Events Kind = "events"

	Settled Kind = "settled"

	Metrics Kind = "metrics"

	Rebalance Kind = "rebalance"
)

// WornRequests is the Error of a Worn message of a worker that has served --max-requests.
const WornRequests = "max-requests"

// Message is one packet. Fields that do not belong to its kind are empty.
type Message struct {
	Kind  Kind          `json:"kind"`
	Hello *HelloMessage `json:"hello,omitempty"`
	Error string        `json:"error,omitempty"` // failed, worn: why
	Note  string        `json:"note,omitempty"`  // ready: what the app says of itself
	Model string        `json:"model,omitempty"` // ready: name and version of the app's model
	Queue bool          `json:"queue,omitempty"` // drain: also answer what waits in the kernel's queue
	Last  bool          `json:"last,omitempty"`  // drain: no other process goes on with the service
	Grace time.Duration `json:"grace,omitempty"` // drain: limit for the drain; begin: limit until ready
	Ours  []bool        `json:"ours,omitempty"`  // own, to a worker: the new Ours of each listener

	Number      int    `json:"number,omitempty"` // metrics: of the question
	Accept      string `json:"accept,omitempty"` // metrics, of a worker: the client's field Accept
	ContentType string `json:"content_type,omitempty"`
	Body        []byte `json:"body,omitempty"` // metrics, of the master: the text, compressed with gzip

	Totals map[string]uint64 `json:"totals,omitempty"` // totals: numbers of package metrics
	Events json.RawMessage   `json:"events,omitempty"` // events: those that the page of the admin address shows
}

// HelloMessage is what the master tells a worker at its start.
type HelloMessage struct {
	Slot       int             `json:"slot"`       // 1 to the number of workers
	Generation int             `json:"generation"` // of the settings
	Age        int             `json:"age"`        // serial number of the worker, counted by the master
	Line       int             `json:"line"`       // index of the worker's line on the scoreboard
	Listeners  []Listener      `json:"listeners"`  // in the order of the descriptors from FirstListenFD
	Worker     Worker          `json:"worker"`
	Settings   json.RawMessage `json:"settings"` // for the app; neither master nor worker reads them
}

// Listener is a listening socket that the worker inherits.
type Listener struct {
	Addr string `json:"addr"`
	Ours bool   `json:"ours"` // the master created the socket; if not, another process goes on with it
}

// Worker has the settings of package worker itself.
type Worker struct {
	Limits limits.Limits `json:"limits"`
	Sync   bool          `json:"sync"`   // serve one request at a time
	Linger time.Duration `json:"linger"` // how long a leaving worker keeps idle connections open
	Park   bool          `json:"park"`   // pass idle connections to the master (package park)
}

// Env is a variable that only the environment of a worker has. Its value is ControlFD. The
// other constants are the descriptors with which a worker starts.
const (
	Env           = "NARWHAL_CTL"
	ControlFD     = 3  // the worker's end of the pair for messages
	BoardFD       = 4  // the scoreboard
	ParkFD        = 5  // the workers' end of the pair for parked connections
	SharedFD      = 6  // memory for share.Floats
	ScratchFD     = 7  // memory for share.Words
	GiveFD        = 8  // the end on which a worker gives requests to other workers
	TakeFD        = 9  // the end from which a worker takes requests of other workers
	FirstListenFD = 10 // the first listening socket; the others follow
)

// maxPacket is the limit of a message in bytes. Settings have a few kilobytes.
const maxPacket = 128 << 10

// Conn is one end of a pair. Send and Recv may run at the same time.
type Conn struct{ file *os.File }

// Pair makes a pair. It returns the master's end, and a file with the end for the other
// process.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	// The worker's end stays blocking. os/exec would clear O_NONBLOCK anyway when it
	// passes the file on, and this process does not read from it. Inherited sets the flag.
	theirs := os.NewFile(uintptr(fds[1]), "worker end")
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		theirs.Close()
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return &Conn{os.NewFile(uintptr(fds[0]), "master end")}, theirs, nil
}

// Inherited makes a Conn of the descriptor with which this process was started. It fails
// if the descriptor is not a SOCK_SEQPACKET socket.
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

// ErrDeaf says that the other process has not read earlier messages, so there is no room
// for another. The kernel has room for hundreds of short ones, so the other process was
// stopped or hangs.
var ErrDeaf = errors.New("the other process does not read")

// Send sends one message. It never waits. The error is ErrDeaf if the other process has
// not read earlier messages.
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
				return true // do not wait, even if sending has failed
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

// Recv waits for the next message. The error is io.EOF if the other process has died.
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
		return m, fmt.Errorf("received a message that cannot be read: %w", err)
	}
	return m, nil
}

// isReset reports whether the other process died before it had read all messages.
func isReset(err error) bool {
	pe, ok := err.(*os.PathError)
	return ok && pe.Err == unix.ECONNRESET
}

// Close closes this end. The other process then reads io.EOF.
func (c *Conn) Close() error { return c.file.Close() }
