package gate

import "github.com/narwhal-server/narwhal/internal/sock"

// Connections wait in the kernel's queue, where any worker can take them. When
// it is full, the kernel lets clients try again after seconds, and after some ten
// seconds resets those it has already told that they are connected. So a queue
// that is more than half full is accepted from without a place. The price: at the
// end of such a peak a worker may still have some of what it took while another is
// done, and a crash costs more than what ran.

// spills says whether the queue is so long that a connection is to be accepted
// without a place: not with Sync, which has one at a time, whatever comes. g.mu
// is held.
func (l *listener) spills(fd uintptr) bool {
	if l.park || l.g.o.Sync || len(l.g.conns) >= l.g.o.Connections {
		return false
	}
	now, limit := sock.Queued(int(fd))
	return now > limit/2
}

// crowded says so while no accept waits. g.mu is held.
func (l *listener) crowded() (yes bool) {
	_ = l.rc.Control(func(fd uintptr) { yes = l.spills(fd) }) // closed means nothing waits
	return yes
}
