package supervisor

import (
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/internal/control"
)

// phase is what the whole service is doing. It is derived from the state of the
// loop (master.phase), never stored, so no way through the loop can forget to
// set it.
//
//	booting ──▶ serving ◀──▶ reloading, upgrading, down
//	   │           │
//	   │           ▼
//	   └──▶ leaving ──▶ stopping ──▶ ended
type phase int

const (
	booting   phase = iota // some slot has not had a ready worker yet
	serving                // requests are answered
	down                   // no worker is ready any more: all have died, and the next ones start
	reloading              // a new generation takes one slot after the other
	upgrading              // a new master starts; this one serves until it hands over
	leaving                // the drain delay: readiness fails, requests are answered as before
	stopping               // no worker is started any more; the last ones finish
	ended                  // the last worker has gone
)

// phases has what is said of each phase, and the phases that may follow it. Every
// phase may be followed by leaving, stopping and ended: a stop can come at any
// moment, and its last worker can go in the same turn of the loop.
var phases = [...]struct {
	name    string       // in narwhal status
	systemd systemdPhase // what systemd knows of it
	next    []phase
}{
	booting:   {control.StateStarting, systemdStarting, []phase{serving, reloading}},
	serving:   {control.StateReady, systemdReady, []phase{down, reloading, upgrading}},
	down:      {control.StateStarting, systemdReady, []phase{serving, reloading, upgrading}},
	reloading: {control.StateReloading, systemdReloading, []phase{serving, down}},
	upgrading: {control.StateUpgrading, systemdReady, []phase{serving, down}},
	leaving:   {control.StateLeaving, systemdStopping, nil},
	stopping:  {control.StateStopping, systemdStopping, nil},
	ended:     {control.StateStopping, systemdStopping, nil},
}

func (p phase) String() string { return phases[p].name }

// ending reports whether the service is about to end: it takes no orders any more
// but those to end faster.
func (p phase) ending() bool { return p >= leaving }

// follows reports whether the phase may follow another one.
func (p phase) follows(before phase) bool {
	return p == before || p.ending() && p > before || slices.Contains(phases[before].next, p)
}

// phase derives the service's phase. When several apply, the first one in this
// order counts.
func (m *master) phase() phase {
	switch {
	case m.ending.begun && len(m.workers) == 0 && m.upgrade.running == nil:
		return ended
	case m.ending.begun:
		return stopping
	case !m.ending.drainAt.IsZero():
		return leaving
	case !m.boot.started:
		return booting
	case m.upgrade.running != nil:
		return upgrading
	case m.reload != nil:
		return reloading
	case m.readySlots() == 0:
		return down
	}
	return serving
}

// checkPhase is called in every turn of the loop. A phase that must not follow the
// one of the turn before is a bug of ours.
func (m *master) checkPhase() phase {
	p := m.phase()
	if !p.follows(m.lastPhase) {
		m.bug(fmt.Errorf("the service cannot go from %s to %s", m.lastPhase, p))
	}
	m.lastPhase = p
	return p
}
