package supervisor

import (
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// idleTick is the longest the loop sleeps.
const idleTick = time.Hour

// untilNext is how long the loop may sleep: until the next of all deadlines.
func (m *master) untilNext() time.Duration {
	now := m.now()
	next := now.Add(idleTick)
	at := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, w := range m.workers {
		at(w.deadline)
	}
	at(m.nextNotice())
	if m.upgrade.handedOver {
		at(m.upgrade.toldAt.Add(totalsEvery))
	}
	if m.upgrade.running != nil {
		at(m.upgrade.running.deadline)
	}
	if !m.ending.begun {
		for _, s := range m.slots {
			if s.next == nil && (s.cur == nil || s.replace && s.startAt.After(now)) {
				at(later(s.startAt, m.shortage.until))
			}
		}
	}
	if every := m.gen.watchEvery(); every > 0 {
		at(m.checks.requests.Add(every))
	}
	m.nextRecycling(at)
	if !m.ending.begun {
		at(m.ending.drainAt)
		at(m.checks.queues.Add(queuesEvery))
	}
	return max(next.Sub(now), 0)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tick does what has become due. It is called in every turn of the loop.
func (m *master) tick() {
	now := m.now()
	if m.phase() == leaving && !now.Before(m.ending.drainAt) {
		m.stop(true)
	}
	m.recycle()
	m.checkQueues()
	m.endLateUpgrade()
	m.passOnTotals()
	for _, w := range m.byAge() {
		if !w.deadline.IsZero() && !now.Before(w.deadline) {
			m.endLate(w)
		}
	}
	m.watchRequests(now)
}

// endLate ends a worker whose state has lasted too long.
func (m *master) endLate(w *worker) {
	switch w.state {
	case Starting:
		m.logOf(w, logevent.WorkerLate, "worker is not ready in time", "boot_timeout", w.gen.o.BootTimeout)
		w.failure = fmt.Sprintf("it was not ready within --boot-timeout %v: look at the stacks in the log, or give it more", w.gen.o.BootTimeout)
		m.abort(w)
	case Draining:
		s := w.proc.Status()
		m.logOf(w, logevent.WorkerOverdue, "graceful timeout is over; ending the worker", "lost", s.InFlight, "running", what(s))
		if w.hung {
			m.abort(w)
		} else {
			m.kill(w, "graceful timeout")
		}
	case Aborting:
		m.kill(w, "did not die of SIGABRT")
	}
}
