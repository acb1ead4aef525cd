package supervisor

import (
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// slot is a place for a worker.
type slot struct {
	n       int
	gen     *generation // of the next worker here, unless a reload starts it
	cur     *worker     // the ready one; nil: none
	next    *worker     // the starting one; nil: none
	replace bool        // cur gets a successor, and leaves when that is ready
	dropped bool        // the slot is no longer wanted
	startAt time.Time   // the next worker does not start earlier
	deaths  deaths
}

// reconcile moves the slots one step towards the wanted state: it stops workers
// that are not wanted and starts at most one worker. It reports whether another
// one can be started at once: starting hundreds of processes takes seconds, and
// the loop reads signals in between. It does nothing during a stop.
func (m *master) reconcile() (more bool) {
	if m.ending.begun || m.boot.failed != nil {
		return false
	}
	m.stepReload() // may change how many slots are wanted
	m.scale()
	started := false
	for _, s := range m.slots {
		if s.next != nil || s.startAt.After(m.now()) || m.shortage.holds(m.now()) {
			continue
		}
		if s.cur == nil || s.replace && !m.replacing() {
			if started {
				return true
			}
			m.spawn(s, s.gen)
			started = true
		}
	}
	return false
}

// scale adds or drops slots until there are as many as wanted. It drops the last
// ones, but not those that a reload adds.
func (m *master) scale() {
	most := m.target
	if m.reload != nil {
		most = max(most, m.reload.gen.o.Workers)
	}
	for len(m.slots) < m.target {
		m.slots = append(m.slots, &slot{n: len(m.slots) + 1, gen: m.gen})
	}
	for len(m.slots) > most {
		s := m.slots[len(m.slots)-1]
		m.slots = m.slots[:len(m.slots)-1]
		s.dropped = true
		if s.next != nil {
			m.kill(s.next, "no longer wanted")
		}
		if s.cur != nil {
			m.drain(s.cur, wire.Message{})
			s.cur = nil
		}
	}
}

// spawn starts a worker of a generation in a slot.
func (m *master) spawn(s *slot, g *generation) {
	m.lastAge++
	proc, err := m.sys.Start(g.hello(s.n, m.lastAge, m.addr), []string{fmt.Sprintf("GOMAXPROCS=%d", m.procs(g))}, m.events)
	if err != nil {
		m.spawnFailed(s, err)
		return
	}
	m.spawnWorks()
	m.count(metrics.StartsTotal)
	w := &worker{age: m.lastAge, slot: s, gen: g, proc: proc, state: Starting, began: m.now(), since: m.now(), deadline: m.now().Add(g.o.BootTimeout)}
	m.workers[w.age] = w
	s.next = w
	m.logOf(w, logevent.WorkerStarting, "worker starting", "generation", g.n)
}

// procs returns a worker's GOMAXPROCS. By default workers × GOMAXPROCS = cores. Go's own
// default rounds a quota of the control group up, to at least 2. The kernel would then
// stop the worker's threads for a part of each period.
func (m *master) procs(g *generation) int {
	if g.o.GOMAXPROCS > 0 {
		return g.o.GOMAXPROCS
	}
	workers := m.target
	if g != m.gen {
		workers = g.o.Workers // of the reload under way
	}
	return max(g.cores/workers, 1)
}
