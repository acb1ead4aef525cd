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
	for _, q := range m.sys.Full() {
		if now.Before(m.checks.warned[q.addr].Add(queuesQuiet)) {
			continue
		}
		m.checks.warned[q.addr] = now
		m.log.Warn("the queue of waiting connections is full; new clients wait a second or more, until they try again", logevent.QueueFull.Attr(), "address", q.addr,
			"waiting", q.waiting, "hint", "set more --workers if the machine has idle cores; for short peaks set a larger --backlog (at most net.core.somaxconn), or more --worker-connections for concurrent workers")
	}
}

// queue is an accept queue that is full.
type queue struct {
	addr    string
	waiting int
}

// Full lists the listening sockets whose accept queue is full. It cannot see the
// queue of a unix socket. There a client's connect blocks, or fails with EAGAIN if
// the client's socket is non-blocking.
func (s *machine) Full() []queue {
	var full []queue
	for _, l := range s.sockets {
		// The kernel admits one connection more than the limit.
		if now, limit := l.Queued(); limit > 0 && now > limit {
			full = append(full, queue{l.Addr.String(), now})
		}
	}
	return full
}
