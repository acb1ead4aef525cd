package supervisor

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// slot is a place for a worker.
type slot struct {
	n       int
	gen     *generation // what the next worker here gets, a reload apart
	cur     *worker     // serves, nil if there is none
	next    *worker     // starts, nil if there is none
	replace bool        // cur is to be replaced once next is ready
	dropped bool        // the slot is no longer wanted
	startAt time.Time   // not before
	deaths  deaths
}

// reconcile moves the slots one step towards the wanted state: it stops workers
// that are not wanted and starts at most one that is. It reports whether another
// can be started at once. In between the loop reads signals, since starting
// hundreds of processes takes seconds. It does nothing during a stop.
func (m *master) reconcile() (more bool) {
	if m.stopping || m.bootError != nil {
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

// replacing says whether a successor of a living worker is starting: one at a
// time, so that a machine is not loaded with twice the workers.
func (m *master) replacing() bool {
	for _, s := range m.slots {
		if s.cur != nil && s.next != nil {
			return true
		}
	}
	return false
}

// scale makes as many slots as are wanted. The youngest slots go first.
func (m *master) scale() {
	for len(m.slots) < m.target {
		m.slots = append(m.slots, &slot{n: len(m.slots) + 1, gen: m.gen})
	}
	for len(m.slots) > m.target {
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

// spawn starts a worker in a slot.
func (m *master) spawn(s *slot, g *generation) {
	m.age++
	o := g.o
	h := wire.HelloMessage{
		Slot: s.n, Generation: g.n, Age: m.age, Listeners: m.addr, Settings: g.settings,
		Worker: wire.Worker{Limits: o.Limits, Sync: o.Sync, Linger: o.Linger, Park: o.Park},
	}
	proc, err := m.sys.Start(h, []string{fmt.Sprintf("GOMAXPROCS=%d", m.procs(g))}, m.events)
	if err != nil {
		m.spawnFailed(s, err)
		return
	}
	m.spawnWorks()
	w := &worker{age: m.age, slot: s, gen: g, proc: proc, state: Starting, began: m.now(), since: m.now(), deadline: m.now().Add(o.BootTimeout)}
	m.workers[w.age] = w
	s.next = w
	m.log.Info("worker starting", append(w.attrs(), "generation", g.n)...)
}

// procs makes workers × GOMAXPROCS = cores.
func (m *master) procs(g *generation) int {
	if g.o.GOMAXPROCS > 0 {
		return g.o.GOMAXPROCS
	}
	workers := m.target
	if g != m.gen {
		workers = g.o.Workers // of a reload under way
	}
	return max(runtime.GOMAXPROCS(0)/workers, 1)
}

// drain tells a worker to finish and leave. how says what becomes of the service.
func (m *master) drain(w *worker, how wire.Message) {
	m.move(w, Draining)
	w.deadline = m.now().Add(w.gen.o.GracefulTimeout)
	if m.stopping && m.stopBy.Before(w.deadline) {
		w.deadline = m.stopBy
	}
	how.Kind, how.Grace = wire.Drain, w.deadline.Sub(m.now())
	m.tell(w, how)
}

// tell sends a message. A worker that cannot be told is dead, which its exit
// will say, or hung, which its deadline will end.
func (m *master) tell(w *worker, msg wire.Message) {
	if err := w.proc.Send(msg); err != nil {
		m.log.Warn("cannot reach a worker", append(w.attrs(), "message", string(msg.Kind), "error", err)...)
	}
}

// abortTime is between SIGABRT and SIGKILL: time to write all stacks.
const abortTime = 2 * time.Second

// abort makes a worker dump its stacks and die.
func (m *master) abort(w *worker) {
	m.move(w, Aborting)
	w.deadline = m.now().Add(abortTime)
	m.signal(w, syscall.SIGABRT)
}

func (m *master) kill(w *worker, why string) {
	m.log.Debug("killing a worker", append(w.attrs(), "because", why)...)
	m.move(w, Killed)
	w.deadline = time.Time{}
	m.signal(w, syscall.SIGKILL)
}

func (m *master) signal(w *worker, s syscall.Signal) {
	if err := w.proc.Signal(s); err != nil {
		m.log.Debug("cannot signal a worker", append(w.attrs(), "signal", signalName(s), "error", err)...)
	}
}
