package supervisor

import (
	"maps"
	"slices"
)

// pool has the slots and the living workers.
type pool struct {
	slots   []*slot         // in order of their numbers
	workers map[int]*worker // by age; those that leave are in no slot
	target  int             // slots wanted
	lastAge int             // of the youngest worker
}

// byAge lists the workers, the eldest first. Whatever is done to several workers
// is done in this order, so that logs and stories always have the same order.
func (p *pool) byAge() []*worker {
	return slices.SortedFunc(maps.Values(p.workers), func(a, b *worker) int { return a.age - b.age })
}

// isWorker reports whether a process is one of the workers.
func (p *pool) isWorker(pid int) bool {
	for _, w := range p.workers {
		if w.proc.Pid() == pid {
			return true
		}
	}
	return false
}

// readySlots counts the slots that have a ready worker.
func (p *pool) readySlots() int {
	n := 0
	for _, s := range p.slots {
		if s.cur != nil {
			n++
		}
	}
	return n
}

// readyOf counts the slots that have a ready worker of a generation.
func (p *pool) readyOf(g *generation) int {
	n := 0
	for _, s := range p.slots {
		if s.cur != nil && s.cur.gen == g {
			n++
		}
	}
	return n
}

// full reports whether there are as many slots as wanted and each has a ready
// worker.
func (p *pool) full() bool { return len(p.slots) == p.target && p.readySlots() == p.target }

// replacing reports whether a successor of a living worker is starting. There is
// one such worker at a time, so that a machine need not hold all workers twice.
func (p *pool) replacing() bool {
	return slices.ContainsFunc(p.slots, func(s *slot) bool { return s.cur != nil && s.next != nil })
}

// answered returns the number of requests that all workers of this master have
// answered.
func (m *master) answered() uint64 {
	n, _ := m.past.Requests()
	for _, w := range m.workers {
		n += w.proc.Status().Requests
	}
	return n
}
