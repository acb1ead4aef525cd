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

// Lot is where the connections are: the master's part. One goroutine owns them;
// it waits in an epoll set of its own, since the runtime's poller would need a
// goroutine for each.
type Lot struct {
	ours, theirs *os.File // the ends of the pair: the master's, the workers'
	epoll, wake  int
	limit        int
	log          *slog.Logger

	orders  chan order
	started bool
	done    chan struct{}
	count   atomic.Int64

	// Of the goroutine.
	parked  map[int]*parked
	byTime  byDeadline
	ready   []int     // have data, and wait for room on their way to the workers
	retryAt time.Time // not before
	told    time.Time // to end; zero: not yet
	endAt   time.Time // then idle connections are closed
}

// parked is one idle connection.
type parked struct {
	fd       int
	deadline time.Time
	index    int // in byTime
}

// order is what the goroutine can be told, once.
type order struct {
	leave  bool          // pass all to the next master; else end
	linger time.Duration // end: leave idle connections to be used so long
}

// New makes a lot that nobody uses yet. At limit connections the one that would
// be closed next makes room.
func New(limit int, log *slog.Logger) (*Lot, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("parked connections: socketpair: %w", err)
	}
	return Inherit(fds[0], fds[1], limit, log)
}

// Inherit makes the lot of a master that was handed the ends of its
// predecessor's. It belongs to that one until Start.
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

// Workers is the end to hand to every worker.
func (l *Lot) Workers() *os.File { return l.theirs }

// Ends are both, to be handed to the next master.
func (l *Lot) Ends() []*os.File { return []*os.File{l.ours, l.theirs} }

// Len is how many connections are parked.
func (l *Lot) Len() int { return int(l.count.Load()) }

// Start begins to take connections from the workers.
func (l *Lot) Start() {
	l.started = true
	go l.run()
}

// Leave passes everything to the next master and stops. It does not wait.
func (l *Lot) Leave() { l.tell(order{leave: true}) }

// End stops: idle connections are left to be used for linger, then closed, and
// when the workers have got the last one with a request, they read the end. It
// does not wait.
func (l *Lot) End(linger time.Duration) { l.tell(order{linger: linger}) }

func (l *Lot) tell(o order) {
	select {
	case l.orders <- o:
		var one = [8]byte{1}
		_, _ = unix.Write(l.wake, one[:]) // full means that it is awake
	default: // it was told to stop before
	}
}

// Done is closed when Leave or End has come to its end.
func (l *Lot) Done() <-chan struct{} { return l.done }

// Close gives the descriptors back, unless Start was called and Done is not yet
// closed: then the goroutine uses them, and the process is about to end.
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
