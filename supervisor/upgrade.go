package supervisor

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// Two masters share the sockets during an upgrade:
//
//	old                                     new
//	starts the file on disk ─────────────▶  inherits the sockets
//	  waits for helloTime    ◀──── begin ── it is a narwhal; it starts workers
//	  waits as begin says    ◀──── ready ── all its workers are ready
//	hands over ────────── totals, own ────▶ takes over sockets, pid file, admin address
//	drains its workers ─────── totals ────▶ adds what they still count
//	exits with 0
//
// Before own the new master is on probation. If anything fails then, the new
// master leaves without harm to the sockets, and the old one goes on. After own
// the new master has the service, whatever happens to the old one.

// upgradeEnds are the other masters that this one has to do with.
type upgradeEnds struct {
	running    *upgrade         // to a new master; nil: none is under way
	old        oldMasterProcess // This master is on probation until the old one hands over. nil: it is not.
	handedOver bool             // a new master has the service

	// After the hand-over:
	heir       newMasterProcess // the new master
	toldAt     time.Time        // when it was last told the totals
	lastScrape *scrape          // of the hand-over

	took metrics.Totals // what the old master had counted when this one took over
}

// upgrade is one that is under way, in the old master.
type upgrade struct {
	to       newMasterProcess
	at       time.Time // when it was started
	began    bool      // the new master has said begin
	deadline time.Time // for its next message; zero: it is being killed
	failure  string    // why it does not take over
	asks     []*ask    // of the control socket
}

const (
	helloTime    = 15 * time.Second // A program may take as long to start and to read its settings.
	upgradeSlack = 5 * time.Second  // The new master's own deadline comes first, so that it can say which worker was late.
)

// startUpgrade starts a new master. The error says why it cannot.
func (m *master) startUpgrade() error {
	switch p := m.phase(); {
	case p.ending():
		return errors.New("this master is stopping")
	case p == upgrading:
		return fmt.Errorf("one is under way, to pid %d", m.upgrade.running.to.Pid())
	case m.onProbation():
		return errors.New("this master is new, and has not taken over yet")
	case m.reload != nil:
		return errors.New("a reload is under way; try again when it is done")
	case p == booting:
		return errors.New("the first workers are not ready yet")
	}
	next, err := m.sys.Upgrade(m.events)
	if err != nil {
		countOutcome(m.past, metrics.UpgradesTotal, metrics.UpgradeSecondsTotal, metrics.Failed, 0)
		return fmt.Errorf("start the new master: %w", err)
	}
	m.upgrade.running = &upgrade{to: next, at: m.now(), deadline: m.now().Add(helloTime)}
	logevent.UpgradeStarted.Log(m.log, "upgrade: starting", "new_pid", next.Pid())
	return nil
}

// tryUpgrade starts an upgrade, or logs why it cannot, and returns that.
func (m *master) tryUpgrade() error {
	err := m.startUpgrade()
	if err != nil {
		logevent.UpgradeRefused.Log(m.log, "upgrade refused; this master goes on", "error", err)
	}
	return err
}

// askUpgrade is USR2 over the control socket. It is answered when the new master
// has taken over, or cannot.
func (m *master) askUpgrade(a *ask) {
	if err := m.tryUpgrade(); err != nil {
		a.failed("this master goes on", "upgrade: %v", err)
		return
	}
	m.upgrade.running.asks = append(m.upgrade.running.asks, a)
}

// onNewMaster handles a message or the end of the new master.
func (m *master) onNewMaster(e event) {
	u := m.upgrade.running
	switch {
	case u == nil: // it has the service already
	case e.exited:
		m.upgradeFailed()
	case u.deadline.IsZero(): // it is being killed
	case e.msg.Kind == wire.Failed && u.failure == "":
		u.failure = e.msg.Error
	case e.msg.Kind == wire.Begin && m.phase() == upgrading:
		u.began = true
		u.deadline = m.now().Add(e.msg.Grace + upgradeSlack)
	case e.msg.Kind == wire.Ready && m.phase() == upgrading:
		m.handOver()
	}
}

// handOver gives the service to the new master.
func (m *master) handOver() {
	u := m.upgrade.running
	// systemd ignores all processes but the main one, so it must know the new
	// main process before that sends anything.
	if m.sd.send != nil {
		m.sd.tell(m.log, sdnotify.MainPID(u.to.Pid()))
		if err := m.sd.barrier(); err != nil {
			logevent.SystemdFailed.Log(m.log, "systemd may not have heard of the new master yet", "new_pid", u.to.Pid(), "error", err)
		}
	}
	last := m.scrape()
	countOutcome(last.totals, metrics.UpgradesTotal, metrics.UpgradeSecondsTotal, metrics.Done, m.now().Sub(u.at))
	untold := m.tellTotals(u.to, last.totals)
	if err := u.to.Send(wire.Message{Kind: wire.Own}); err != nil {
		if m.sd.send != nil {
			m.sd.tell(m.log, sdnotify.MainPID(m.pid))
		}
		m.endNewMaster(syscall.SIGKILL, fmt.Sprintf("it cannot be reached: %v", err))
		return
	}
	countOutcome(m.past, metrics.UpgradesTotal, metrics.UpgradeSecondsTotal, metrics.Done, m.now().Sub(u.at))
	m.upgrade.running, m.upgrade.handedOver = nil, true
	last.handedOver = true
	m.upgrade.heir, m.upgrade.lastScrape, m.upgrade.toldAt = u.to, last, m.now()
	m.sd = systemd{} // STOPPING=1 would concern the service, which goes on
	m.sys.HandOver()
	logevent.UpgradeHandedOver.Log(m.log, "upgrade: done; this master leaves", "new_pid", u.to.Pid())
	m.tellEvents(u.to)
	if untold != nil {
		logevent.TotalsLost.Log(m.log, "upgrade: the new master does not know all that this one has counted", "error", untold)
	}
	for _, a := range u.asks {
		a.done("pid %d serves; pid %d leaves when its requests are answered", u.to.Pid(), m.pid)
	}
	m.retire(false)
}

// tellEvents tells the new master what has happened here. It is told after the hand-over,
// because it is not worth the failure of an upgrade.
func (m *master) tellEvents(to newMasterProcess) {
	part, err := m.recent.part(m.now())
	if err == nil {
		err = to.Send(wire.Message{Kind: wire.Events, Events: part})
	}
	if err != nil {
		m.log.Debug("cannot tell the new master what has happened", "error", err)
	}
}

// endNewMaster signals the new master to end. upgradeFailed does the rest when it
// has ended.
func (m *master) endNewMaster(s syscall.Signal, why string) {
	u := m.upgrade.running
	if u.failure == "" {
		u.failure = why
	}
	u.deadline = time.Time{}
	if s != syscall.SIGKILL {
		u.deadline = m.ending.by
	}
	if err := u.to.Signal(s); err != nil {
		m.log.Debug("cannot signal the new master", "new_pid", u.to.Pid(), "signal", signalName(s), "error", err)
	}
}

// endLateUpgrade ends a new master whose next message is late.
func (m *master) endLateUpgrade() {
	u := m.upgrade.running
	if u == nil || u.deadline.IsZero() || m.now().Before(u.deadline) {
		return
	}
	why := "its workers were not ready within its --boot-timeout: look into the log, or give it more"
	if !u.began {
		why = fmt.Sprintf("it said nothing within %v: is it a narwhal that can be upgraded to?", helloTime)
	}
	m.endNewMaster(syscall.SIGKILL, why)
}

// upgradeFailed is called when the new master has ended before the hand-over. This
// master still has everything.
func (m *master) upgradeFailed() {
	u := m.upgrade.running
	m.upgrade.running = nil
	u.to.Release()
	countOutcome(m.past, metrics.UpgradesTotal, metrics.UpgradeSecondsTotal, metrics.Failed, m.now().Sub(u.at))
	if u.failure == "" {
		u.failure = "it ended without a message to this master: see its own lines in the log"
		if !u.began {
			u.failure += ", or it is not a narwhal"
		}
	}
	goesOn := "the old master goes on"
	if m.ending.begun {
		goesOn = "the old master stops"
	}
	logevent.UpgradeFailed.Log(m.log, "upgrade failed; "+goesOn, "error", u.failure, "new_pid", u.to.Pid())
	for _, a := range u.asks {
		a.failed(goesOn, "upgrade: %s", u.failure)
	}
	m.endParking()
}

// onProbation reports whether this is a new master that has not taken over yet.
func (m *master) onProbation() bool { return m.upgrade.old != nil }

// tellOldMasterReady tells the old master that all workers are ready.
func (m *master) tellOldMasterReady() {
	if err := m.upgrade.old.Send(wire.Message{Kind: wire.Ready}); err != nil {
		m.log.Debug("cannot send a message to the old master", "error", err) // its end will be reported
	}
}

// onOldMaster handles the hand-over by the old master, or its death before that, what it has
// counted and what has happened to it.
func (m *master) onOldMaster(e event) {
	switch {
	case e.msg.Kind == wire.Totals:
		m.inherited.Raise(e.msg.Totals)
	case e.msg.Kind == wire.Events:
		if err := m.recent.take(e.msg.Events); err != nil {
			m.log.Debug("cannot read what has happened in the old master", "error", err)
		}
	case !m.onProbation(): // it has left
	case m.ending.begun:
	case e.exited:
		m.ending.err = errors.New("the old master died during the upgrade")
		logevent.UpgradeAbandoned.Log(m.log, "leaving", "error", m.ending.err)
		m.retire(true)
	case e.msg.Kind == wire.Own:
		m.takeOver()
	}
}

// takeOver makes this new master the one that has the service.
func (m *master) takeOver() {
	m.upgrade.old, m.upgrade.took = nil, m.inherited.Clone()
	ours := m.sys.TakeOver()
	m.sd = m.sys.StartService(m.inbox)
	for i := range min(len(ours), len(m.addr)) {
		m.addr[i].Ours = ours[i]
	}
	for _, w := range m.byAge() {
		m.tell(w, wire.Message{Kind: wire.Own, Ours: ours})
	}
	logevent.UpgradeTakenOver.Log(m.log, "upgrade: this master has taken over")
	m.tellStarted()
}
