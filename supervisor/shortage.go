package supervisor

import (
	"errors"
	"io/fs"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// shortage is a time in which no process can be started, because the system is
// short of processes, descriptors or memory. It concerns all slots, so they wait
// together and share one line of the log.
type shortage struct {
	tries deaths // failed ones in a row
	since time.Time
	until time.Time // the next try
}

// holds reports whether it is too early for the next try.
func (s *shortage) holds(now time.Time) bool { return s.until.After(now) }

// spawnFailed is called when a worker's process could not be started.
func (m *master) spawnFailed(s *slot, err error) {
	now := m.now()
	if m.shortage.tries.inARow == 0 {
		m.shortage.since = now
	}
	wait := max(m.shortage.tries.died(0), firstWait)
	m.shortage.until = now.Add(wait)
	missing := 0
	for _, s := range m.slots {
		if s.cur == nil && s.next == nil {
			missing++
		}
	}
	hint := sock.Short(err)
	if errors.Is(err, fs.ErrNotExist) {
		hint = mountProc
	}
	logevent.SpawnFailed.Log(m.log, "cannot start a worker", "worker", s.n, "missing", missing, "tries", m.shortage.tries.inARow, "error", err, "wait", wait, "hint", hint)
	if m.reload != nil && m.reload.slot == s {
		m.abandonReload(err)
	}
	m.scaleFailed(s, err)
	// With others that are starting, the service can begin without this one.
	if !m.boot.anyone && len(m.workers) == 0 && m.shortage.tries.inARow > freeDeaths || m.onProbation() {
		m.boot.failed = err
	}
}

// spawnWorks is called when a worker's process was started.
func (m *master) spawnWorks() {
	if n := m.shortage.tries.inARow; n > 0 {
		logevent.SpawnWorks.Log(m.log, "workers can be started again", "failed_tries", n, "after", m.now().Sub(m.shortage.since).Round(time.Millisecond))
		m.shortage = shortage{}
	}
}
