package supervisor

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// counts are the numbers that the master keeps. What living workers have counted is in
// their pages.
type counts struct {
	past      metrics.Totals // of workers that have gone, and of this master itself
	logged    *logged        // messages of this master's log
	inherited metrics.Totals // of the masters before this one; an old one that still leaves goes on counting
}

func newCounts() counts { return counts{past: metrics.Totals{}, inherited: metrics.Totals{}} }

// logged counts the warnings and errors of a log. Any goroutine may log. The nil *logged has
// none.
type logged struct{ warnings, errors atomic.Uint64 }

func (l *logged) add(r slog.Record) {
	if metrics.SeverityOf(r.Level) == metrics.Error {
		l.errors.Add(1)
	} else {
		l.warnings.Add(1)
	}
}

func (l *logged) addTo(t metrics.Totals) {
	if l == nil {
		return
	}
	t[metrics.Key(metrics.LogTotal, metrics.Severities[metrics.Warning])] += l.warnings.Load()
	t[metrics.Key(metrics.LogTotal, metrics.Severities[metrics.Error])] += l.errors.Load()
}

// count adds one to a counter of the master.
func (m *master) count(name string, labels ...string) {
	m.past[metrics.Key(append([]string{name}, labels...)...)]++
}

// countOutcome counts a reload or an upgrade, and how long it took.
func countOutcome(t metrics.Totals, total, seconds, outcome string, took time.Duration) {
	t[metrics.Key(total, outcome)]++
	t[metrics.Key(seconds, outcome)] += uint64(max(took, 0))
}

// totals returns all numbers that only grow, of all processes until now.
func (m *master) totals() metrics.Totals {
	sum := metrics.NewSum(m.past.Clone())
	for _, w := range m.workers {
		w.proc.Count(sum)
	}
	t := sum.Totals()
	t.Add(m.inherited)
	m.logged.addTo(t)
	t[metrics.Key(metrics.CPUTotal)] += ownCPU()
	return t
}

// ownCPU returns the processor time of this process in nanoseconds.
func ownCPU() uint64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return uint64(r.Utime.Nano() + r.Stime.Nano())
}

const (
	totalsEvery = time.Second // how often a leaving master tells the new one its totals
	totalsPart  = 400         // numbers in a message
)

// tellTotals tells the new master what was counted until now.
func (m *master) tellTotals(to newMasterProcess, t metrics.Totals) error {
	for _, part := range t.Parts(totalsPart) {
		if err := to.Send(wire.Message{Kind: wire.Totals, Totals: part}); err != nil {
			return err
		}
	}
	return nil
}

// passOnTotals tells the new master, after the hand-over, what the workers of this one
// count until they have left.
func (m *master) passOnTotals() {
	u := &m.upgrade
	if !u.handedOver || m.now().Before(u.toldAt.Add(totalsEvery)) {
		return
	}
	u.toldAt = m.now()
	if err := m.tellTotals(u.heir, m.totals()); err != nil {
		m.log.Debug("cannot tell the new master what was counted", "error", err)
	}
}

// passOnLastTotals does the same when the last worker has left. It waits at most a second
// for the new master to read.
func (m *master) passOnLastTotals() {
	if !m.upgrade.handedOver {
		return
	}
	var err error
	for range 100 {
		if err = m.tellTotals(m.upgrade.heir, m.totals()); !errors.Is(err, wire.ErrDeaf) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		logevent.TotalsLost.Log(m.log, "the new master does not know all that this one has counted", "error", err)
	}
	m.upgrade.heir.Release()
}
