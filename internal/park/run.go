package park

import (
	"container/heap"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

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
			logevent.ParkingFailed.Log(l.log, "idle connections cannot be watched any more", "error", err)
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
			l.told = true
			l.endAt = time.Now().Add(o.linger)
		default:
		}
		l.expire()
		l.flush()
		if l.ended() {
			return
		}
	}
}

// wait returns the time until something is due, in milliseconds, for epoll_wait; -1
// if nothing is.
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
	if l.told {
		at(l.endAt)
	}
	if next.IsZero() {
		return -1
	}
	return int(max(time.Until(next)+time.Millisecond-1, 0) / time.Millisecond)
}

// batch is how many connections are taken before other events are handled.
const batch = 64

// take receives connections from the workers, and reports whether there may be more.
func (l *Lot) take() bool {
	for range batch {
		fd, left, err := Take(int(l.ours.Fd()))
		switch {
		case err == unix.EAGAIN || err == io.EOF:
			return false
		case err != nil:
			logevent.ParkingFailed.Log(l.log, "cannot take an idle connection", "error", err)
			return false
		}
		l.park(fd, left)
	}
	return true
}

// forever is the time of a connection without a limit.
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
		logevent.ParkingFailed.Log(l.log, "cannot watch an idle connection; closing it", "error", err, "parked", len(l.parked))
		unix.Close(fd)
		return
	}
	l.parked[fd] = p
	heap.Push(&l.byTime, p)
	l.count.Store(int64(len(l.parked)))
}

// remove takes a connection out of the epoll set. Closing it is not enough, because
// another process may still hold it.
func (l *Lot) remove(p *parked) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, p.fd, nil)
	heap.Remove(&l.byTime, p.index)
	delete(l.parked, p.fd)
	l.count.Store(int64(len(l.parked)))
}

// unpark is called when epoll reports a connection: it has data, or its client has
// closed it.
func (l *Lot) unpark(p *parked) {
	data, gone := Look(p.fd)
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

// hangUp closes an idle connection. If a request has just arrived, it goes to the
// workers instead.
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

// fullWait is the time until a full queue is tried again. The queue holds some hundred
// connections, so the workers have enough to do in this time.
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
			logevent.ParkingFailed.Log(l.log, "cannot pass a connection to the workers; closing it", "error", err)
		}
		unix.Close(fd)
		sent++
	}
	l.ready = append(l.ready[:0], l.ready[sent:]...)
}

// ended closes idle connections when the time is over. When the last connection with a
// request has been passed, it tells the workers that no more come, and returns true.
func (l *Lot) ended() bool {
	if !l.told {
		return false
	}
	for l.take() {
	}
	if len(l.parked) > 0 && time.Now().Before(l.endAt) {
		return false
	}
	for len(l.byTime) > 0 {
		l.hangUp(l.byTime[0])
	}
	l.flush()
	if len(l.ready) > 0 {
		return false
	}
	if err := unix.Shutdown(int(l.ours.Fd()), unix.SHUT_WR); err != nil {
		logevent.ParkingFailed.Log(l.log, "cannot tell the workers that no more parked connections come", "error", err)
	}
	return true
}

// leaveTime bounds how long leave waits for the new master to take connections.
const leaveTime = 10 * time.Second

// leave passes all connections to the new master, through the workers' end.
func (l *Lot) leave() {
	until := time.Now().Add(leaveTime)
	pass := func(fd int, left time.Duration) {
		for {
			err := Pass(int(l.theirs.Fd()), fd, left)
			if errors.Is(err, ErrFull) && time.Now().Before(until) {
				time.Sleep(time.Millisecond) // the new master takes them meanwhile
				continue
			}
			if err != nil {
				logevent.ParkingFailed.Log(l.log, "cannot pass a connection to the new master; closing it", "error", err)
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
