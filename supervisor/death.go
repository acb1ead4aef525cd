package supervisor

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

// onExit removes a worker whose process has ended, and decides when its slot gets
// the next one.
func (m *master) onExit(w *worker, status exitStatus) {
	was, s := w.state, w.slot
	last := w.proc.Status()
	sum := metrics.NewSum(m.past)
	w.proc.Count(sum)
	m.past = sum.Totals()
	m.past[metrics.Key(metrics.LostTotal)] += uint64(last.InFlight)
	m.move(w, Gone)
	w.proc.Release()
	delete(m.workers, w.age)
	m.endParking()

	switch {
	case s.next == w:
		s.next = nil
		m.bootFailed(w, status)
		return
	case s.cur == w:
		s.cur = nil
	}
	switch {
	case was == Ready && !m.ending.begun:
		m.workerDied(w, status, last)
	case status == exitStatus{}:
		m.logOf(w, logevent.WorkerLeft, "worker left", "status", status.String(), "requests", last.Requests)
	default:
		if m.ending.begun {
			m.ending.lost += last.InFlight
		}
		m.logOf(w, logevent.WorkerCut, "worker ended before it had finished", "status", status.String(),
			"was", was.String(), "lost", last.InFlight, "running", what(last))
	}
}

// workerDied reports a worker that nobody has told to leave.
func (m *master) workerDied(w *worker, status exitStatus, last board.Status) {
	s := w.slot
	hint := ""
	if status.signal == syscall.SIGKILL {
		hint = killHint
	}
	m.logOf(w, logevent.WorkerDied, "worker died", "status", status.String(), "state", last.State, "running", what(last),
		"connections", last.Conns, "requests", last.Requests, "hint", hint)
	m.count(metrics.RestartsTotal, metrics.Died)
	wait := s.deaths.died(m.now().Sub(w.readyAt))
	s.startAt = m.now().Add(wait)
	if wait > 0 {
		logevent.WorkerDiesOften.Log(m.log, "worker keeps dying; waiting before the next", "worker", s.n, "deaths", s.deaths.inARow, "wait", wait,
			"hint", "the lines «worker died» say what it was running; other workers serve")
	}
}

// killHint is for SIGKILL: a process cannot say why it was killed.
const killHint = "a person sends SIGKILL, or the kernel when memory is short (dmesg | grep -i oom): then run fewer workers, " +
	"give them more memory, or replace those that grow with --max-worker-memory"

// bootFailed handles a worker that ended before it was ready.
func (m *master) bootFailed(w *worker, status exitStatus) {
	s := w.slot
	if s.dropped || m.ending.begun {
		return
	}
	err := fmt.Errorf("it died while starting: %s", status)
	if w.failure != "" {
		err = errors.New(w.failure)
	}
	m.count(metrics.RestartsTotal, metrics.BootFailed)
	m.logOf(w, logevent.WorkerBootFailed, "worker could not start", "error", err)
	if m.reloadFailed(w, err) {
		return
	}
	m.scaleFailed(s, err)
	wait := s.deaths.died(0)
	// An error that a worker reports will not change by trying again. A death may.
	if !m.boot.anyone && (w.failure != "" || wait > 0) || m.onProbation() {
		m.boot.failed = err
		return
	}
	s.startAt = m.now().Add(max(wait, firstWait))
	logevent.BootRetried.Log(m.log, "trying again", "worker", s.n, "wait", max(wait, firstWait))
}
