package supervisor

import (
	"fmt"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// worker is one process, from its start to its death.
type worker struct {
	age      int // serial number
	slot     *slot
	gen      *generation
	proc     process
	state    State
	began    time.Time // its process was started
	since    time.Time // it entered the state
	readyAt  time.Time // zero until it was ready
	deadline time.Time // the state must have ended by then; zero: no limit
	retireAt time.Time // it is replaced then for its age; zero: never
	heavy    int       // samples in a row of more memory than allowed
	failure  string    // why it could not start, in its own words
	hung     bool      // a request of it ran for longer than --timeout
	settled  bool      // it parks no connection any more
}

// attrs names a worker in log lines.
func (w *worker) attrs() []any {
	return []any{"worker", w.slot.n, "worker_pid", w.proc.Pid(), "age", w.age}
}

// logOf logs an event of a worker. The fields that name the worker come first.
func (m *master) logOf(w *worker, e logevent.Name, message string, fields ...any) {
	e.Log(m.log, message, append(w.attrs(), fields...)...)
}

// onWorker handles a message or the death of a worker.
func (m *master) onWorker(e event) {
	w := m.workers[e.age]
	switch {
	case w == nil:
		m.bug(fmt.Errorf("event of a worker of age %d that is gone", e.age))
	case e.exited:
		m.onExit(w, e.status)
		m.sys.Reap(m.isWorker) // an orphan may have waited behind this worker
	case e.msg.Kind == wire.Ready:
		m.model = e.msg.Model
		m.onReady(w, e.msg.Note)
	case e.msg.Kind == wire.Failed:
		w.failure = e.msg.Error
	case e.msg.Kind == wire.Settled:
		w.settled = true
		m.endParking()
	case e.msg.Kind == wire.Worn:
		if w.slot.cur == w && !w.slot.replace {
			m.logOf(w, logevent.WorkerWorn, "worker asks to be replaced", "because", e.msg.Error)
			w.slot.replace = true
			why := metrics.Signal
			if e.msg.Error == wire.WornRequests {
				why = metrics.MaxRequests
			}
			m.count(metrics.RestartsTotal, why)
		}
	}
}

// onReady gives the slot to its new worker. Only now is the predecessor told to
// leave.
func (m *master) onReady(w *worker, note string) {
	if w.state != Starting || w.slot.next != w {
		return // the worker is being ended
	}
	m.move(w, Ready)
	w.deadline = time.Time{}
	w.readyAt = m.now()
	m.boot.anyone = true
	m.note = note
	s := w.slot
	old := s.cur
	s.cur, s.next, s.gen, s.replace = w, nil, w.gen, false
	m.logOf(w, logevent.WorkerReady, "worker ready")
	w.limitAge(m.now(), m.random())
	if m.phase() == leaving {
		m.tell(w, wire.Message{Kind: wire.Leave})
	}
	if old != nil {
		m.drain(old, wire.Message{})
	} else {
		m.rebalance(w)
	}
	m.slotReloaded(s)
}

// rebalance gives a worker without a predecessor its part of the clients that
// keep their connections: every other worker closes some of them. Parked
// connections need no rebalancing, since any worker takes them.
func (m *master) rebalance(newcomer *worker) {
	if !m.boot.started || m.gen.o.Park {
		return
	}
	for _, w := range m.byAge() {
		if w != newcomer && w.state == Ready {
			m.tell(w, wire.Message{Kind: wire.Rebalance})
		}
	}
}

// drain tells a worker to finish its requests and to leave. how is the message
// without its deadline.
func (m *master) drain(w *worker, how wire.Message) {
	m.move(w, Draining)
	w.deadline = m.now().Add(w.gen.o.GracefulTimeout)
	if m.ending.begun && m.ending.by.Before(w.deadline) {
		w.deadline = m.ending.by
	}
	how.Kind, how.Grace = wire.Drain, w.deadline.Sub(m.now())
	m.tell(w, how)
}

// abortTime is between SIGABRT and SIGKILL. A worker writes its stacks meanwhile.
const abortTime = 2 * time.Second

// abort makes a worker write its stacks and die.
func (m *master) abort(w *worker) {
	m.move(w, Aborting)
	w.deadline = m.now().Add(abortTime)
	m.signal(w, syscall.SIGABRT)
}

// kill sends SIGKILL to a worker.
func (m *master) kill(w *worker, why string) {
	m.log.Debug("killing a worker", append(w.attrs(), "because", why)...)
	m.move(w, Killed)
	w.deadline = time.Time{}
	m.signal(w, syscall.SIGKILL)
}

// signal sends a signal to a worker. If the process has ended, its exit will be
// reported.
func (m *master) signal(w *worker, s syscall.Signal) {
	if err := w.proc.Signal(s); err != nil {
		m.log.Debug("cannot signal a worker", append(w.attrs(), "signal", signalName(s), "error", err)...)
	}
}

// tell sends a message to a worker. If that fails, the worker is dead, which its
// exit will report, or hung, which its deadline will end.
func (m *master) tell(w *worker, msg wire.Message) {
	if err := w.proc.Send(msg); err != nil {
		m.logOf(w, logevent.WorkerDeaf, "cannot send a message to a worker", "message", string(msg.Kind), "error", err)
	}
}

// what names the request that runs for longest, as far as the scoreboard knows it.
func what(s board.Status) string {
	if s.Running == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s (%d bytes, for %s), %d in flight", s.What, s.Size, s.Running.Round(time.Millisecond), s.InFlight)
}
