package supervisor

import (
	"time"

	"github.com/narwhal-server/narwhal/internal/wire"
)

const (
	weighEvery = 5 * time.Second // memory is looked at
	weighTimes = 3               // in a row above the limit before a worker is replaced: a peak is none
	ageSpread  = 0.1             // of the maximal age, so that workers of one start do not leave together
	youth      = time.Minute     // a worker younger than that has not grown, it was made so
)

// welcome is told that a worker has become ready.
func (m *master) welcome(w *worker) {
	if age := w.gen.o.MaxWorkerAge; age > 0 {
		w.retireAt = m.now().Add(age - time.Duration(m.random()*ageSpread*float64(age)))
	}
	if m.phase() == leaving {
		m.tell(w, wire.Message{Kind: wire.Leave})
	}
}

// nextRecycling says when recycle has to look again.
func (m *master) nextRecycling(at func(time.Time)) {
	if m.stopping {
		return
	}
	for _, s := range m.slots {
		if s.cur != nil && !s.replace {
			at(s.cur.retireAt)
		}
	}
	if m.o.MaxWorkerMemory > 0 {
		at(m.lastWeigh.Add(weighEvery))
	}
}

// recycle marks the workers that are too old or have too much memory. As after
// --max-requests, reconcile starts one successor at a time, and a worker leaves
// when its own is ready.
func (m *master) recycle() {
	if m.stopping {
		return
	}
	now := m.now()
	for _, s := range m.slots {
		if w := s.cur; w != nil && !s.replace && !w.retireAt.IsZero() && !now.Before(w.retireAt) {
			m.log.Info("worker is old; replacing it", append(w.attrs(), "ready_for", now.Sub(w.readyAt).Round(time.Millisecond), "max_worker_age", w.gen.o.MaxWorkerAge)...)
			s.replace = true
		}
	}
	if m.o.MaxWorkerMemory > 0 && !now.Before(m.lastWeigh.Add(weighEvery)) {
		m.lastWeigh = now
		for _, s := range m.slots {
			if s.cur != nil && !s.replace {
				m.weigh(s)
			}
		}
	}
}

// weigh looks at the memory of a slot's worker.
func (m *master) weigh(s *slot) {
	w := s.cur
	limit := w.gen.o.MaxWorkerMemory
	memory, err := w.proc.Memory()
	if err != nil { // it is dying; its end will be reported
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
	attrs := append(w.attrs(), "memory", memory, "max_worker_memory", limit)
	if m.now().Sub(w.readyAt) < youth {
		attrs = append(attrs, "hint", "it was that large from the start: --max-worker-memory is too little for this model, and its successor will be replaced too")
	}
	m.log.Warn("worker has too much memory; replacing it", attrs...)
	s.replace = true
}
