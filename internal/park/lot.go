package park

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
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

// Close gives the descriptors back. Start was not called, or Done is closed, or
// the process ends.
func (l *Lot) Close() {
	for _, f := range []*os.File{l.ours, l.theirs} {
		if f != nil {
			f.Close()
		}
	}
	if l.started {
		select {
		case <-l.done:
		default:
			return // the goroutine uses the rest
		}
	}
	for _, fd := range []int{l.epoll, l.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func (l *Lot) watch(fd int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)})
}

func (l *Lot) run() {
	defer close(l.done)
	ours := int(l.ours.Fd())
	events := make([]unix.EpollEvent, 128)
	for {
		n, err := unix.EpollWait(l.epoll, events, l.wait())
		if err != nil && err != unix.EINTR {
			l.log.Error("idle connections cannot be watched any more", "error", err)
			return
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case ours:
				l.take()
			case l.wake:
				var b [8]byte
				_, _ = unix.Read(fd, b[:])
			default:
				if p := l.parked[fd]; p != nil {
					l.unpark(p)
				}
			}
		}
		select {
		case o := <-l.orders:
			if o.leave {
				l.leave()
				return
			}
			l.told = time.Now()
			l.endAt = l.told.Add(max(o.linger, quiet))
		default:
		}
		l.expire()
		l.flush()
		if l.ended() {
			return
		}
	}
}

// wait is the time until something is due, in milliseconds for epoll_wait.
func (l *Lot) wait() int {
	var next time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if len(l.byTime) > 0 {
		at(l.byTime[0].deadline)
	}
	if len(l.ready) > 0 {
		at(l.retryAt)
	}
	if !l.told.IsZero() {
		at(l.ends())
	}
	if next.IsZero() {
		return -1
	}
	return int(max(time.Until(next)+time.Millisecond-1, 0) / time.Millisecond)
}

// batch bounds how many are taken before the others have their turn.
const batch = 64

// take receives connections from the workers.
func (l *Lot) take() {
	for range batch {
		fd, left, err := Take(int(l.ours.Fd()))
		switch {
		case err == unix.EAGAIN || err == io.EOF:
			return
		case err != nil:
			l.log.Error("cannot take an idle connection", "error", err)
			return
		}
		l.park(fd, left)
	}
}

// forever is a deadline that never comes.
const forever = 10 * 365 * 24 * time.Hour

func (l *Lot) park(fd int, left time.Duration) {
	if len(l.parked) >= l.limit && len(l.byTime) > 0 {
		l.hangUp(l.byTime[0])
	}
	if left <= 0 {
		left = forever
	}
	p := &parked{fd: fd, deadline: time.Now().Add(left)}
	if err := l.watch(fd); err != nil {
		l.log.Error("cannot watch an idle connection; closing it", "error", err, "parked", len(l.parked))
		unix.Close(fd)
		return
	}
	l.parked[fd] = p
	heap.Push(&l.byTime, p)
	l.count.Store(int64(len(l.parked)))
}

// remove takes a connection out of the set. Closing would not: another process
// may still hold it.
func (l *Lot) remove(p *parked) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, p.fd, nil)
	heap.Remove(&l.byTime, p.index)
	delete(l.parked, p.fd)
	l.count.Store(int64(len(l.parked)))
}

// unpark is called when something has happened on a connection.
func (l *Lot) unpark(p *parked) {
	data, gone := look(p.fd)
	if !data && !gone {
		return
	}
	l.remove(p)
	if gone {
		unix.Close(p.fd)
		return
	}
	l.ready = append(l.ready, p.fd)
}

// hangUp closes an idle connection, unless a request has arrived just now.
func (l *Lot) hangUp(p *parked) {
	l.unpark(p)
	if l.parked[p.fd] == p {
		l.remove(p)
		unix.Close(p.fd)
	}
}

func (l *Lot) expire() {
	now := time.Now()
	for len(l.byTime) > 0 && !now.Before(l.byTime[0].deadline) {
		l.hangUp(l.byTime[0])
	}
}

// fullWait is how long a full queue is left alone. It holds some hundred
// connections, so the workers have enough to do meanwhile.
const fullWait = 5 * time.Millisecond

// flush passes the connections with data to the workers.
func (l *Lot) flush() {
	if now := time.Now(); now.Before(l.retryAt) {
		return
	}
	l.retryAt = time.Time{}
	sent := 0
	for _, fd := range l.ready {
		if err := Pass(int(l.ours.Fd()), fd, 0); errors.Is(err, ErrFull) {
			l.retryAt = time.Now().Add(fullWait)
			break
		} else if err != nil {
			l.log.Error("cannot pass a connection to the workers; closing it", "error", err)
		}
		unix.Close(fd)
		sent++
	}
	l.ready = append(l.ready[:0], l.ready[sent:]...)
}

// quiet is for a worker that has just parked a connection when it learns that
// no more are wanted.
const quiet = 100 * time.Millisecond

// ends is when: sooner if nobody is there who could use the time.
func (l *Lot) ends() time.Time {
	if len(l.parked) == 0 {
		return l.told.Add(quiet)
	}
	return l.endAt
}

// ended closes what is still idle when the time is over, and tells the workers
// when there is no more.
func (l *Lot) ended() bool {
	if l.told.IsZero() || time.Now().Before(l.ends()) {
		return false
	}
	l.take()
	for len(l.byTime) > 0 {
		l.hangUp(l.byTime[0])
	}
	l.flush()
	if len(l.ready) > 0 {
		return false
	}
	if err := unix.Shutdown(int(l.ours.Fd()), unix.SHUT_WR); err != nil {
		l.log.Error("cannot tell the workers that no more connections come", "error", err)
	}
	return true
}

// leaveTime bounds how long the next master is waited for.
const leaveTime = 10 * time.Second

// leave passes everything to the next master, by the way the workers use.
func (l *Lot) leave() {
	until := time.Now().Add(leaveTime)
	pass := func(fd int, left time.Duration) {
		for {
			err := Pass(int(l.theirs.Fd()), fd, left)
			if errors.Is(err, ErrFull) && time.Now().Before(until) {
				time.Sleep(time.Millisecond) // the next master is taking them
				continue
			}
			if err != nil {
				l.log.Error("cannot leave a connection to the new master; closing it", "error", err)
			}
			unix.Close(fd)
			return
		}
	}
	for _, fd := range l.ready {
		pass(fd, 0)
	}
	l.ready = nil
	for len(l.byTime) > 0 {
		p := l.byTime[0]
		l.remove(p)
		pass(p.fd, max(time.Until(p.deadline), 1))
	}
}

// byDeadline is a heap, the next to be closed first.
type byDeadline []*parked

func (h byDeadline) Len() int           { return len(h) }
func (h byDeadline) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }
func (h byDeadline) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *byDeadline) Push(x any) {
	p := x.(*parked)
	p.index = len(*h)
	*h = append(*h, p)
}
func (h *byDeadline) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return p
}
