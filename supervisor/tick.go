package supervisor

import (
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// idleTick is the longest the loop sleeps.
const idleTick = time.Hour

// watchEvery is how often running requests are looked at: often enough that a
// request is over its time by a tenth at most.
func (m *master) watchEvery() time.Duration {
	if m.o.Timeout <= 0 {
		return 0
	}
	return min(max(m.o.Timeout/10, 10*time.Millisecond), time.Second)
}

// untilNext is the time until something must be looked at.
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
	if m.upgrade != nil {
		at(m.upgrade.deadline)
	}
	if !m.stopping {
		for _, s := range m.slots {
			if s.next == nil && (s.cur == nil || s.replace && s.startAt.After(now)) {
				at(later(s.startAt, m.shortage.until))
			}
		}
	}
	if every := m.watchEvery(); every > 0 {
		at(m.lastTick.Add(every))
	}
	m.nextRecycling(at)
	if !m.stopping {
		at(m.drainAt)
		at(m.lastCrowd.Add(crowdEvery))
	}
	return max(next.Sub(now), 0)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tick ends what is out of time.
func (m *master) tick() {
	now := m.now()
	if m.phase() == leaving && !now.Before(m.drainAt) {
		m.stop(true)
	}
	m.recycle()
	m.crowd()
	m.upgradeLate()
	for _, w := range m.byAge() {
		if w.deadline.IsZero() || now.Before(w.deadline) {
			continue
		}
		switch w.state {
		case Starting:
			m.log.Error("worker is not ready in time", append(w.attrs(), "boot_timeout", w.gen.o.BootTimeout)...)
			w.failure = fmt.Sprintf("it was not ready within --boot-timeout %v: look at the stacks in the log, or give it more", w.gen.o.BootTimeout)
			m.abort(w)
		case Draining:
			s := w.proc.Status()
			m.log.Error("graceful timeout is over; ending the worker", append(w.attrs(), "lost", s.InFlight, "running", what(s))...)
			if w.hung {
				m.abort(w)
			} else {
				m.kill(w, "graceful timeout")
			}
		case Aborting:
			m.kill(w, "did not die of SIGABRT")
		}
	}
	if every := m.watchEvery(); every > 0 && !now.Before(m.lastTick.Add(every)) {
		// If the master itself was stopped, everybody's silence is its own.
		slept := !m.lastTick.IsZero() && now.Sub(m.lastTick) > 2*every+time.Second
		m.lastTick = now
		if !slept {
			m.watch()
		}
	}
}

// beatSlack is two beats of a worker: so much silence means nothing.
const beatSlack = time.Second

// watch looks for workers that hang: their oldest request runs for longer than
// the timeout, or they show no life at all.
func (m *master) watch() {
	for _, w := range m.byAge() {
		if w.state != Ready && w.state != Draining {
			continue
		}
		st, limit := w.proc.Status(), w.gen.o.Timeout
		if limit <= 0 {
			continue
		}
		switch {
		case st.Beat > limit+beatSlack:
			// One that leaves already, because a request of it ran for too long, too:
			// it cannot finish the others, and their clients wait.
			does := "replacing it"
			if w.state == Draining {
				does = "ending it"
			}
			m.log.Error("worker shows no life; "+does, append(w.attrs(), "silent", st.Beat.Round(time.Millisecond), "timeout", limit, "running", what(st))...)
			m.displace(w)
			m.abort(w)
		case st.Running > limit && !w.hung:
			w.hung = true
			m.log.Error("request runs for too long; replacing its worker", append(w.attrs(), "request", st.What, "age", st.Running.Round(time.Millisecond),
				"size", st.Size, "timeout", limit, "in_flight", st.InFlight)...)
			if w.state == Ready {
				m.displace(w)
				m.drain(w, wire.Message{})
			}
		}
		if w.hung && w.state == Draining && st.Running > limit && st.InFlight <= 1 {
			m.abort(w) // nothing else is left that could still finish
		}
	}
}

// displace takes a hung worker out of its slot, so that a successor starts.
func (m *master) displace(w *worker) {
	s := w.slot
	if s.cur == w {
		s.cur = nil
		s.startAt = m.now().Add(s.deaths.died(m.now().Sub(w.readyAt)))
	}
}
