package supervisor

import "time"

const (
	crowdEvery = time.Second // the queues are looked at
	crowdQuiet = time.Minute // before the same is said again
)

// crowd looks whether a queue of waiting connections is full. Nobody else would
// say so: the kernel drops the newcomers, who see a server that is slow by the
// seconds until they try again.
func (m *master) crowd() {
	now := m.now()
	if m.stopping || now.Before(m.lastCrowd.Add(crowdEvery)) {
		return
	}
	m.lastCrowd = now
	for _, q := range m.sys.Full() {
		if now.Before(m.crowded[q.addr].Add(crowdQuiet)) {
			continue
		}
		m.crowded[q.addr] = now
		m.log.Warn("the queue of waiting connections is full; newcomers wait until the kernel tries again, a second or more", "address", q.addr,
			"waiting", q.waiting, "hint", "more --workers if the machine has cores to spare; for short peaks a longer --backlog (net.core.somaxconn bounds it), or more --worker-connections for concurrent workers")
	}
}

// queue is one that is full.
type queue struct {
	addr    string
	waiting int
}

// Full lists the queues that are full. Of a unix socket that cannot be told;
// there connect waits, or fails at once for a client that does not.
func (s *machine) Full() []queue {
	var full []queue
	for _, l := range s.sockets {
		// The kernel lets one more in than the limit.
		if now, limit := l.Queued(); limit > 0 && now > limit {
			full = append(full, queue{l.Addr.String(), now})
		}
	}
	return full
}
