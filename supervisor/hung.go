package supervisor

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// watchEvery is how often running requests are looked at, 0 for never. A hung
// request is found after at most 1.1 times --timeout.
func (g *generation) watchEvery() time.Duration {
	if g.o.Timeout <= 0 {
		return 0
	}
	return min(max(g.o.Timeout/10, 10*time.Millisecond), time.Second)
}

// watchRequests looks for hung workers if that is due.
func (m *master) watchRequests(now time.Time) {
	every, last := m.gen.watchEvery(), m.checks.requests
	if every <= 0 || now.Before(last.Add(every)) {
		return
	}
	m.checks.requests = now
	// If the master itself was stopped, all beats look old and mean nothing.
	if !last.IsZero() && now.Sub(last) > 2*every+time.Second {
		return
	}
	for _, w := range m.byAge() {
		if (w.state == Ready || w.state == Draining) && w.gen.o.Timeout > 0 {
			m.watch(w)
		}
	}
}

// beatSlack is two beats of a worker. A worker may be silent for as long.
const beatSlack = time.Second

// watch looks whether a worker hangs: its oldest request has run for longer than
// --timeout, or the worker itself shows no sign of life.
func (m *master) watch(w *worker) {
	st, limit := w.proc.Status(), w.gen.o.Timeout
	switch {
	case st.Beat > limit+beatSlack:
		// A worker that is leaving is ended, too, whatever the reason to leave: it
		// cannot finish its requests, and their clients wait.
		does := "replacing it"
		if w.state == Draining {
			does = "ending it"
		}
		m.logOf(w, logevent.WorkerSilent, "worker shows no sign of life; "+does, "silent", st.Beat.Round(time.Millisecond), "timeout", limit, "running", what(st))
		m.displace(w, metrics.Silent)
		m.abort(w)
	case st.Running > limit && !w.hung:
		w.hung = true
		m.logOf(w, logevent.RequestHung, "request runs for too long; replacing its worker", "request", st.What, "runs_for", st.Running.Round(time.Millisecond),
			"size", st.Size, "timeout", limit, "in_flight", st.InFlight)
		if w.state == Ready {
			m.displace(w, metrics.Hung)
			m.drain(w, wire.Message{})
		}
	}
	if w.hung && w.state == Draining && st.Running > limit && st.InFlight <= 1 {
		m.abort(w) // no other request is left that could finish
	}
}

// displace takes a hung worker out of its slot, so that the next one starts there.
func (m *master) displace(w *worker, why string) {
	s := w.slot
	if s.cur == w {
		m.count(metrics.RestartsTotal, why)
		s.cur = nil
		s.startAt = m.now().Add(s.deaths.died(m.now().Sub(w.readyAt)))
	}
}
