package supervisor

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

const (
	queuesEvery = time.Second // how often the queues are looked at
	queuesQuiet = time.Minute // between two warnings about one queue
)

// checkQueues warns when the accept queue of a listening socket is full. The
// kernel reports that to nobody: it drops the new connections, and their clients
// try again after a second or more.
func (m *master) checkQueues() {
	now := m.now()
	if m.ending.begun || now.Before(m.checks.queues.Add(queuesEvery)) {
		return
	}
	m.checks.queues = now
	for _, q := range m.lookAtQueues() {
		if !q.full() || now.Before(m.checks.warned[q.Address].Add(queuesQuiet)) {
			continue
		}
		m.checks.warned[q.Address] = now
		logevent.QueueFull.Log(m.log, "the queue of waiting connections is full; new clients wait a second or more, until they try again", "address", q.Address,
			"waiting", q.Waiting, "hint", "set more --workers if the machine has idle cores; for short peaks set a larger --backlog (at most net.core.somaxconn), or more --worker-connections for concurrent workers")
	}
}

// queue is the accept queue of a listening socket.
type queue struct {
	Address string `json:"address"`
	Waiting int    `json:"waiting"` // connections that nobody has accepted
	Limit   int    `json:"limit"`
}

// full reports whether the kernel drops new clients. It admits one connection more than
// the limit.
func (q queue) full() bool { return q.Waiting > q.Limit }

// lookAtQueues returns the accept queues, and notes which of them are empty.
func (m *master) lookAtQueues() []queue {
	queues := m.sys.Queues()
	for _, q := range queues {
		if q.Waiting == 0 {
			m.checks.empty[q.Address] = m.now()
		}
	}
	return queues
}

// oldestWait returns an upper bound of the time that the first connection of the queues has
// waited. Connections leave a queue in the order in which they came. So the first one came
// after the queue was last seen empty, and after the last one that a worker has accepted.
func (m *master) oldestWait(queues []queue) time.Duration {
	now := m.now()
	var since time.Time // when the last accepted connection came
	for _, w := range m.workers {
		if age := w.proc.Status().Arrived; age > 0 && now.Add(-age).After(since) {
			since = now.Add(-age)
		}
	}
	var oldest time.Duration
	for _, q := range queues {
		if q.Waiting > 0 {
			oldest = max(oldest, now.Sub(later(later(since, m.checks.empty[q.Address]), m.boot.began)))
		}
	}
	return oldest
}

// Queues lists the accept queues of the listening TCP sockets. Linux does not tell the
// queue of a unix socket. When that is full, a client's connect blocks, or fails with
// EAGAIN if the client's socket is non-blocking.
func (s *machine) Queues() []queue {
	all := []queue{}
	for _, l := range s.sockets {
		if now, limit := l.Queued(); limit > 0 {
			all = append(all, queue{l.Addr.String(), now, limit})
		}
	}
	return all
}
