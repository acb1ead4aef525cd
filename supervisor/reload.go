package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

// reload is a HUP under way. The slots get workers of the new generation one
// after the other, each when the new worker of the slot before is ready. Then
// the slots that the new generation adds get theirs, all at once.
type reload struct {
	gen   *generation
	began time.Time
	slot  *slot // whose new worker starts; nil between two
	again bool  // another HUP has come; it is done afterwards
}

// onHUP begins a reload, or notes that another one follows the one under way. If
// the new configuration is wrong, the old one stays in force.
func (m *master) onHUP() {
	if m.reload != nil {
		logevent.ReloadQueued.Log(m.log, "reload: one is under way; the next one follows it")
		m.reload.again = true
		return
	}
	gen, err := m.readConfiguration()
	if err != nil {
		logevent.ReloadFailed.Log(m.log, "reload failed; the old configuration stays in force", "error", err)
		countOutcome(m.past, metrics.ReloadsTotal, metrics.ReloadSecondsTotal, metrics.Failed, 0)
		m.noteReloadFailure(err)
		m.answerReload(err, reloadAgain)
		return
	}
	logevent.ReloadStarted.Log(m.log, "reload: starting", "generation", gen.n)
	m.reload = &reload{gen: gen, began: m.now()}
}

// readConfiguration makes a generation of what the configuration says now.
func (m *master) readConfiguration() (*generation, error) {
	if m.upgrade.running != nil || m.onProbation() {
		return nil, errors.New("an upgrade is under way, and the new master reads the configuration; if the upgrade fails, reload again")
	}
	before := m.gen.o
	o := before
	if before.Reload != nil {
		var err error
		if o, err = before.Reload(); err != nil {
			return nil, err
		}
	}
	o.setDefaults()
	if !slices.Equal(o.Bind, before.Bind) {
		return nil, fmt.Errorf("bind changed from %v to %v: a reload keeps the sockets; restart to bind others", before.Bind, o.Bind)
	}
	kept := o.keep(before)
	gen, err := m.newGeneration(o)
	if err == nil {
		gen.kept = kept
	}
	return gen, err
}

// stepReload starts the new worker of the next slot, or adds slots. It ends the
// reload when every slot has a ready worker.
func (m *master) stepReload() {
	r := m.reload
	if r == nil || r.slot != nil && r.slot.next != nil {
		return
	}
	for i, s := range m.slots {
		if s.gen == r.gen || i >= r.gen.o.Workers { // the new generation has fewer slots
			continue
		}
		if s.next != nil { // A successor of the old generation is starting here. It is replaced when it is ready.
			return
		}
		if r.slot = s; s.startAt.After(m.now()) && s.cur == nil {
			s.startAt = m.now() // The workers here kept dying. The new configuration may be the repair, so it does not wait.
		}
		if s.cur != nil {
			m.count(metrics.RestartsTotal, metrics.Reload)
		}
		m.spawn(s, r.gen)
		return
	}
	for len(m.slots) < r.gen.o.Workers {
		m.slots = append(m.slots, &slot{n: len(m.slots) + 1, gen: r.gen}) // reconcile starts its worker
	}
	if !slices.ContainsFunc(m.slots[:r.gen.o.Workers], func(s *slot) bool { return s.cur == nil }) {
		m.reloadDone()
	}
}

// reloadDone puts the new generation in force: every slot has a worker of it.
func (m *master) reloadDone() {
	r := m.reload
	m.reload = nil
	m.adopt(r.gen)
	countOutcome(m.past, metrics.ReloadsTotal, metrics.ReloadSecondsTotal, metrics.Done, m.now().Sub(r.began))
	if m.gen.o.Reloaded != nil {
		m.gen.o.Reloaded()
	}
	logevent.ReloadDone.Log(m.log, "reload: done", "generation", r.gen.n)
	m.warnOfKept(r.gen)
	m.answerReload(nil, "")
	if r.again {
		m.onHUP()
		m.stepReload()
	}
}

// slotReloaded is called when a slot has a new worker.
func (m *master) slotReloaded(s *slot) {
	if m.reload != nil && m.reload.slot == s {
		m.reload.slot = nil
	}
}

// reloadFailed ends the reload if the worker that could not start was of its
// generation. It reports whether it was.
func (m *master) reloadFailed(w *worker, err error) bool {
	if m.reload == nil || m.reload.gen != w.gen {
		return false
	}
	m.abandonReload(err)
	return true
}

// abandonReload ends the reload under way. Slots that have a worker of the new
// generation keep it. scale drops those that the reload has added.
func (m *master) abandonReload(err error) {
	done, slots := 0, m.slots[:min(m.target, len(m.slots))]
	for _, s := range slots {
		if s.gen == m.reload.gen {
			done++
		}
	}
	logevent.ReloadFailed.Log(m.log, "reload failed; the other workers keep the old configuration", "error", err, "generation", m.reload.gen.n,
		"slots_with_the_new", done, "slots", len(slots))
	m.noteReloadFailure(err)
	countOutcome(m.past, metrics.ReloadsTotal, metrics.ReloadSecondsTotal, metrics.Failed, m.now().Sub(m.reload.began))
	m.reload = nil
	m.answerReload(err, readTheLog)
}
