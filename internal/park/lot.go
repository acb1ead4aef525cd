package park

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Lot is the master's part: it keeps the parked connections. One goroutine owns them.
// It waits in its own epoll set, because the runtime's poller would need a goroutine
// for each connection.
type Lot struct {
	ours, theirs *os.File // the ends of the pair: the master's, the workers'
	epoll, wake  int
	limit        int
	log          *slog.Logger

	orders  chan order
	started bool
	done    chan struct{}
	count   atomic.Int64

	// Only the goroutine uses these.
	parked  map[int]*parked
	byTime  byDeadline
	ready   []int     // connections with data that could not be passed to the workers yet
	retryAt time.Time // when to try that again
	told    bool      // End was called
	endAt   time.Time // when idle connections are closed after End
}

// parked is one idle connection.
type parked struct {
	fd       int
	deadline time.Time
	index    int // in byTime
}

// order is what the goroutine can be told, once.
type order struct {
	leave  bool          // pass all connections to the new master; false: end
	linger time.Duration // end: clients may use idle connections for this time
}

// New makes a lot; Start makes it work. When it keeps limit connections and another
// comes, it closes the one that would time out next.
func New(limit int, log *slog.Logger) (*Lot, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("parked connections: socketpair: %w", err)
	}
	return Inherit(fds[0], fds[1], limit, log)
}

// Inherit makes the lot of a new master from the two ends of the old master's pair.
// Until Start, only the old master uses them.
func Inherit(ours, theirs, limit int, log *slog.Logger) (*Lot, error) {
	l := &Lot{
		epoll: -1, wake: -1, limit: max(limit, 1), log: log,
		orders: make(chan order, 1), done: make(chan struct{}),
		parked: map[int]*parked{},
	}
	var errs [4]error
	l.ours, errs[0] = file(ours, "parked connections, master's end")
	l.theirs, errs[1] = file(theirs, "parked connections, workers' end")
	l.epoll, errs[2] = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	l.wake, errs[3] = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	err := errors.Join(errs[:]...)
	for _, fd := range []int{ours, l.wake} {
		if err == nil {
			err = l.watch(fd)
		}
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("parked connections: %w", err)
	}
	return l, nil
}

// Workers returns the workers' end of the pair. Every worker gets a copy.
func (l *Lot) Workers() *os.File { return l.theirs }

// Ends returns both ends of the pair, for the new master of an upgrade.
func (l *Lot) Ends() []*os.File { return []*os.File{l.ours, l.theirs} }

// Len returns how many connections are parked.
func (l *Lot) Len() int { return int(l.count.Load()) }

// Start begins to take connections from the workers.
func (l *Lot) Start() {
	l.started = true
	go l.run()
}

// Leave has the lot pass all connections to the new master and stop. It returns at
// once; Done tells the end.
func (l *Lot) Leave() { l.tell(order{leave: true}) }

// End has the lot stop: clients may use idle connections for linger, then it closes
// them. When the workers have got the last connection with a request, they read
// io.EOF. End returns at once; Done tells the end. The workers must park no connection
// any more: one that is parked later is lost.
func (l *Lot) End(linger time.Duration) { l.tell(order{linger: linger}) }

func (l *Lot) tell(o order) {
	select {
	case l.orders <- o:
		var one = [8]byte{1}
		_, _ = unix.Write(l.wake, one[:]) // an error means that it is full, so the goroutine wakes
	default: // Leave or End was called before
	}
}

// Done returns a channel that is closed when the lot has stopped after Leave or End.
func (l *Lot) Done() <-chan struct{} { return l.done }

// Close closes the descriptors. It does nothing while the goroutine still uses them:
// after Start and before Done.
func (l *Lot) Close() {
	if l.started {
		select {
		case <-l.done:
		default:
			return
		}
	}
	for _, f := range []*os.File{l.ours, l.theirs} {
		if f != nil {
			f.Close()
		}
	}
	for _, fd := range []int{l.epoll, l.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
