package supervisor

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// An upgrade is a USR2 under way. Two masters share the sockets for its time:
//
//	old                                    new
//	starts the file on disk ─────────────▶ inherits the sockets, owns none
//	  deadline helloTime    ◀──── begin ── it is a narwhal; starts workers
//	  deadline of begin     ◀──── ready ── all of them serve
//	hands over ───────────────── own ────▶ owns sockets, pid file, admin address
//	drains its workers, exits 0
//
// Up to «own» the new one is on probation: whatever happens, it leaves without
// harm to the sockets, and the old one goes on. Afterwards the old one does.
type upgrade struct {
	heir     heir
	began    bool      // it has shown that it is a narwhal
	deadline time.Time // it must have said more by then; zero: it is being killed
	failure  string    // why it does not take over
	asks     []*ask    // of the control socket
}

// heir is the new master as the loop of the old one sees it.
type heir interface {
	Pid() int
	Send(wire.Message) error
	Signal(syscall.Signal) error
	Release()
}

// old is the old master as the loop of the new one sees it.
type old interface {
	Send(wire.Message) error
}

const (
	helloTime    = 15 * time.Second // for a program to start and read its settings
	upgradeSlack = 5 * time.Second  // so that the new master itself says which worker was late
)

// startUpgrade begins one, or says why not.
func (m *master) startUpgrade() error {
	switch p := m.phase(); {
	case p.ending():
		return errors.New("this master is stopping")
	case p == upgrading:
		return fmt.Errorf("one is under way, to pid %d", m.upgrade.heir.Pid())
	case m.onProbation():
		return errors.New("this master is new itself and has not taken over yet")
	case m.reload != nil:
		return errors.New("a reload is under way; try again when it is done")
	case p == booting:
		return errors.New("the first workers are not ready yet")
	}
	h, err := m.sys.Upgrade(m.events)
	if err != nil {
		return fmt.Errorf("start the new master: %w", err)
	}
	m.upgrade = &upgrade{heir: h, deadline: m.now().Add(helloTime)}
	m.log.Info("upgrade: starting", "new_pid", h.Pid())
	return nil
}

func (m *master) onUSR2() {
	if err := m.startUpgrade(); err != nil {
		m.log.Error("upgrade refused; this master goes on", "error", err)
	}
}

// askUpgrade is USR2 over the control socket; it is answered when the new
// master has taken over, or cannot.
func (m *master) askUpgrade(a *ask) {
	if err := m.startUpgrade(); err != nil {
		a.failed("this master goes on", "upgrade: %v", err)
		return
	}
	m.upgrade.asks = append(m.upgrade.asks, a)
}

// onHeir is told what the new master says, or that it has ended.
func (m *master) onHeir(e event) {
	u := m.upgrade
	switch {
	case u == nil: // it has taken over
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

// handOver is the one moment in which the service changes its master.
func (m *master) handOver() {
	u := m.upgrade
	// From here on systemd listens to the new one alone, so it must know before
	// that one says anything.
	if m.sd.send != nil {
		m.tellSystemd(sdnotify.MainPID(u.heir.Pid()))
		if err := m.sd.barrier(); err != nil {
			m.log.Warn("systemd may not have heard of the new master yet", "new_pid", u.heir.Pid(), "error", err)
		}
	}
	if err := u.heir.Send(wire.Message{Kind: wire.Own}); err != nil {
		if m.sd.send != nil {
			m.tellSystemd(sdnotify.MainPID(m.pid))
		}
		m.endHeir(syscall.SIGKILL, fmt.Sprintf("it cannot be reached: %v", err))
		return
	}
	m.upgrade = nil
	m.handedOver = true
	m.sd = systemd{} // STOPPING=1 would be said of the service
	m.sys.Disown()
	m.log.Info("upgrade: done; this master leaves", "new_pid", u.heir.Pid())
	for _, a := range u.asks {
		a.done("pid %d serves; pid %d leaves when its requests are answered", u.heir.Pid(), m.pid)
	}
	m.retire(false)
}

// retire ends this master and leaves the sockets, and what is queued, to
// another: the new master, or with last, whoever else holds them.
func (m *master) retire(last bool) {
	m.stopping = true
	m.stopBy = m.now().Add(m.o.GracefulTimeout)
	for _, w := range m.byAge() {
		switch w.state {
		case Starting:
			m.kill(w, "leaving")
		case Ready:
			m.drain(w, wire.Message{Last: last})
		}
	}
}

// endHeir ends the new master; what follows is said when it has gone.
func (m *master) endHeir(s syscall.Signal, why string) {
	u := m.upgrade
	if u.failure == "" {
		u.failure = why
	}
	u.deadline = time.Time{}
	if s != syscall.SIGKILL {
		u.deadline = m.stopBy
	}
	if err := u.heir.Signal(s); err != nil {
		m.log.Debug("cannot signal the new master", "new_pid", u.heir.Pid(), "signal", signalName(s), "error", err)
	}
}

// upgradeLate ends a new master that is out of time.
func (m *master) upgradeLate() {
	u := m.upgrade
	if u == nil || u.deadline.IsZero() || m.now().Before(u.deadline) {
		return
	}
	why := "its workers were not ready within its --boot-timeout: look into the log, or give it more"
	if !u.began {
		why = fmt.Sprintf("it said nothing within %v: is it a narwhal that can be upgraded to?", helloTime)
	}
	m.endHeir(syscall.SIGKILL, why)
}

// upgradeFailed: the new master has ended. Nothing had been given away.
func (m *master) upgradeFailed() {
	u := m.upgrade
	m.upgrade = nil
	u.heir.Release()
	if u.failure == "" {
		u.failure = "it ended without a word to this one: its own are in the log"
		if !u.began {
			u.failure += ", or it is not a narwhal"
		}
	}
	goesOn := "the old master goes on"
	if m.stopping {
		goesOn = "the old master stops"
	}
	m.log.Error("upgrade failed; "+goesOn, "error", u.failure, "new_pid", u.heir.Pid())
	for _, a := range u.asks {
		a.failed(goesOn, "upgrade: %s", u.failure)
	}
}

// onProbation says whether this is a new master that has not taken over.
func (m *master) onProbation() bool { return m.old != nil }

// announce tells the old master that all workers serve.
func (m *master) announce() {
	if err := m.old.Send(wire.Message{Kind: wire.Ready}); err != nil {
		m.log.Debug("cannot tell the old master", "error", err) // its end will be reported
	}
}

// onOld: the old master has left us everything, or has died.
func (m *master) onOld(e event) {
	switch {
	case m.stopping:
	case e.exited:
		m.fatal = errors.New("the old master died during the upgrade")
		m.log.Error("leaving", "error", m.fatal)
		m.sys.EndParking(0) // with the old master: nobody is left to park with
		m.retire(true)
	case e.msg.Kind == wire.Own:
		m.old = nil
		ours := m.sys.Own()
		for i := range min(len(ours), len(m.addr)) {
			m.addr[i].Ours = ours[i]
		}
		for _, w := range m.byAge() {
			m.tell(w, wire.Message{Kind: wire.Own, Ours: ours})
		}
		m.log.Info("upgrade: this master has taken over")
		m.tellStarted()
	}
}
