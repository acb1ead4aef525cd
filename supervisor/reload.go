package supervisor

import (
	"errors"
	"fmt"
	"slices"
)

// reload is a HUP under way: a new generation takes one slot after the other,
// each only when its new worker is ready.
type reload struct {
	gen  *generation
	slot *slot // being replaced now, nil between two
}

// onHUP reads the configuration again. Whatever is wrong with it, the old
// generation goes on.
func (m *master) onHUP() {
	if m.reload != nil {
		m.log.Info("reload: one is under way; another follows it")
		m.again = true
		return
	}
	if m.upgrade != nil || m.onProbation() {
		m.reloadRefused(errors.New("an upgrade is under way, which reads it anyway; if that fails, try again"))
		return
	}
	o := m.o
	if m.o.Reload != nil {
		var err error
		if o, err = m.o.Reload(); err != nil {
			m.reloadRefused(err)
			return
		}
	}
	o.setDefaults()
	if !slices.Equal(o.Bind, m.o.Bind) {
		m.reloadRefused(fmt.Errorf("bind changed from %v to %v: a reload keeps the sockets; restart to bind others", m.o.Bind, o.Bind))
		return
	}
	gen, err := m.newGeneration(o)
	if err != nil {
		m.reloadRefused(err)
		return
	}
	m.log.Info("reload: starting", "generation", gen.n)
	m.reload = &reload{gen: gen}
}

// reloadRefused: nothing has been started.
func (m *master) reloadRefused(err error) {
	m.log.Error("reload failed; the old configuration stays in force", "error", err)
	m.reloadFailing(err)
	m.reloadEnds(err)
}

// stepReload starts the next slot's new worker.
func (m *master) stepReload() {
	r := m.reload
	if r == nil || r.slot != nil && r.slot.next != nil {
		return
	}
	for i, s := range m.slots {
		if s.gen == r.gen || i >= r.gen.o.Workers { // those beyond are about to go
			continue
		}
		if s.next != nil { // a replacement with the old configuration has begun; let it be the one replaced
			return
		}
		if r.slot = s; s.startAt.After(m.now()) && s.cur == nil {
			s.startAt = m.now() // the new configuration may be what mends it
		}
		m.spawn(s, r.gen)
		return
	}
	// Every slot has it.
	m.reload = nil
	m.adopt(r.gen)
	if m.o.Reloaded != nil {
		m.o.Reloaded()
	}
	m.log.Info("reload: done", "generation", r.gen.n)
	m.reloadEnds(nil)
	if m.again {
		m.again = false
		m.onHUP()
		m.stepReload()
	}
}

// reloaded is told that a slot has a new worker.
func (m *master) reloaded(s *slot) {
	if m.reload != nil && m.reload.slot == s {
		m.reload.slot = nil
	}
}

// reloadFailed says whether the worker that could not start was the reload's,
// and ends that if so.
func (m *master) reloadFailed(w *worker, err error) bool {
	if m.reload == nil || m.reload.gen != w.gen {
		return false
	}
	m.abandonReload(err)
	return true
}

func (m *master) abandonReload(err error) {
	done := 0
	for _, s := range m.slots {
		if s.gen == m.reload.gen {
			done++
		}
	}
	m.log.Error("reload failed; the other workers keep the old configuration", "error", err, "generation", m.reload.gen.n,
		"slots_with_the_new", done, "slots", len(m.slots))
	m.reloadFailing(err)
	m.reload = nil
	m.again = false
	m.reloadEnds(err)
}
