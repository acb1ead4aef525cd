package supervisor

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

const (
	weighEvery = 5 * time.Second // how often the workers' memory is read
	weighTimes = 3               // A worker is replaced after this many samples above the limit in a row. One high sample may be a short peak.
	ageSpread  = 0.1             // Workers leave up to this part of --max-worker-age earlier, so that those of one start do not leave together.
	growTime   = time.Minute     // A younger worker that is too large has not grown: its successor will be as large.
)

// limitAge sets when a ready worker is replaced for its age. random is in [0, 1).
func (w *worker) limitAge(now time.Time, random float64) {
	if age := w.gen.o.MaxWorkerAge; age > 0 {
		w.retireAt = now.Add(age - time.Duration(random*ageSpread*float64(age)))
	}
}

// nextRecycling passes to at the times at which recycle has something to do.
func (m *master) nextRecycling(at func(time.Time)) {
	if m.ending.begun {
		return
	}
	for _, s := range m.slots {
		if s.cur != nil && !s.replace {
			at(s.cur.retireAt)
		}
	}
	if m.gen.o.MaxWorkerMemory > 0 {
		at(m.checks.memory.Add(weighEvery))
	}
}

// recycle marks the workers that are too old or have too much memory. reconcile
// replaces them one at a time: a worker leaves when its successor is ready.
func (m *master) recycle() {
	if m.ending.begun {
		return
	}
	now := m.now()
	for _, s := range m.slots {
		if w := s.cur; w != nil && !s.replace && !w.retireAt.IsZero() && !now.Before(w.retireAt) {
			m.logOf(w, logevent.WorkerOld, "worker is old; replacing it", "ready_for", now.Sub(w.readyAt).Round(time.Millisecond), "max_worker_age", w.gen.o.MaxWorkerAge)
			s.replace = true
			m.count(metrics.RestartsTotal, metrics.MaxAge)
		}
	}
	if m.gen.o.MaxWorkerMemory > 0 && !now.Before(m.checks.memory.Add(weighEvery)) {
		m.checks.memory = now
		for _, s := range m.slots {
			if s.cur != nil && !s.replace {
				m.weigh(s)
			}
		}
	}
}

// weigh reads the memory of a slot's worker and marks the slot if it is too much.
func (m *master) weigh(s *slot) {
	w := s.cur
	limit := w.gen.o.MaxWorkerMemory
	memory, err := w.proc.Memory()
	if err != nil { // the worker is dying; its exit will be reported
		m.log.Debug("cannot see the memory of a worker", append(w.attrs(), "error", err)...)
		return
	}
	if limit <= 0 || memory <= limit {
		w.heavy = 0
		return
	}
	if w.heavy++; w.heavy < weighTimes {
		return
	}
	hint := ""
	if m.now().Sub(w.readyAt) < growTime {
		hint = "the worker was that large from its start: --max-worker-memory is too small for this model, and its successor will be replaced, too"
	}
	m.logOf(w, logevent.WorkerHeavy, "worker has too much memory; replacing it", "memory", memory, "max_worker_memory", limit, "hint", hint)
	m.count(metrics.RestartsTotal, metrics.MaxMemory)
	s.replace = true
}
