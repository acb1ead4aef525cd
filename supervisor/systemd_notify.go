package supervisor

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
)

// systemdPhase is the part of a phase that systemd tells apart.
type systemdPhase int

const (
	systemdUntold    systemdPhase = iota // nothing has been said yet
	systemdStarting                      // it waits for READY=1
	systemdReady                         // READY=1
	systemdReloading                     // RELOADING=1
	systemdStopping                      // STOPPING=1
)

// systemd is what systemd was told last. The zero value sends nothing. Only the
// loop sends, so systemd's watchdog ends a master whose loop hangs.
type systemd struct {
	send     func(message string) error // nil: there is no systemd
	barrier  func() error               // waits until systemd has read all messages
	watchdog time.Duration              // between two WATCHDOG=1; 0: none are sent

	phase    systemdPhase // as told
	gen      int          // of the reload that was announced
	status   string
	news     string // of the last reload, if it failed
	rate     rate   // of requests
	alive    time.Time
	extended time.Time
	failing  bool
}

func newSystemd(s *sdnotify.Socket, log *slog.Logger) systemd {
	if s == nil {
		return systemd{}
	}
	every, err := sdnotify.WatchdogInterval()
	if err != nil {
		logevent.SystemdFailed.Log(log, "cannot serve systemd's watchdog", "error", err)
	}
	return systemd{
		send:     func(m string) error { return s.Send(m) },
		barrier:  func() error { return s.Barrier(barrierTime) },
		watchdog: every / 2,
	}
}

// barrierTime bounds how long the loop waits for systemd in an upgrade.
const barrierTime = 2 * time.Second

// A boot or a reload takes as long as models take to load. Meanwhile systemd is
// asked every extendEvery to wait for extendBy more.
const (
	extendEvery = 5 * time.Second
	extendBy    = 20 * time.Second
)

// notify sends systemd what has changed. It is called in every turn of the loop.
func (m *master) notify() {
	sd := &m.sd
	if sd.send == nil {
		return
	}
	now := m.now()
	var lines []string
	if p := phases[m.phase()].systemd; p != sd.phase || p == systemdReloading && m.reload.gen.n != sd.gen {
		switch p {
		case systemdReady:
			lines = append(lines, sdnotify.Ready)
		case systemdReloading:
			lines = append(lines, sdnotify.Reloading())
			sd.gen, sd.news = m.reload.gen.n, ""
		case systemdStopping:
			lines = append(lines, sdnotify.Stopping, sdnotify.ExtendTimeout(max(m.lastMoment().Sub(now), 0)+extendBy))
		}
		sd.phase = p
	}
	if m.takesLong() && !now.Before(sd.extended.Add(extendEvery)) {
		sd.extended = now
		lines = append(lines, sdnotify.ExtendTimeout(extendBy))
	}
	sd.rate.measure(now, m.answered)
	if s := m.statusLine(); s != sd.status {
		sd.status = s
		lines = append(lines, sdnotify.Status(s))
	}
	if sd.watchdog > 0 && !now.Before(sd.alive.Add(sd.watchdog)) {
		sd.alive = now
		lines = append(lines, sdnotify.Watchdog)
	}
	if len(lines) > 0 {
		m.sd.tell(m.log, lines...)
	}
}

// tell sends lines. The log has the first failure of several in a row.
func (sd *systemd) tell(log *slog.Logger, lines ...string) {
	err := sd.send(strings.Join(lines, "\n"))
	if err != nil && !sd.failing {
		logevent.SystemdFailed.Log(log, "cannot send a message to systemd", "error", err)
	}
	sd.failing = err != nil
}

// noteReloadFailure is called while a reload fails. systemctl reload returns only
// if its HUP has had both a RELOADING=1 and a READY=1. A HUP that is refused, or
// that waited for the reload under way, has had neither yet: the first is sent
// here, the second follows in the same turn of the loop.
func (m *master) noteReloadFailure(err error) {
	if m.sd.send == nil {
		return
	}
	if m.boot.started && (m.reload == nil || m.reload.again) {
		m.sd.tell(m.log, sdnotify.Reloading())
		m.sd.phase = systemdReloading
	}
	m.sd.news = fmt.Sprintf("; the last reload failed: %v", err)
}

// lastMoment is when a stop must be over.
func (m *master) lastMoment() time.Time {
	if m.phase() == leaving {
		return m.ending.drainAt.Add(m.gen.o.GracefulTimeout)
	}
	return m.ending.by
}

// takesLong reports whether the phase may take longer than systemd waits by
// itself. A boot may take twice the --boot-timeout: each worker is tried twice.
func (m *master) takesLong() bool {
	p := m.phase()
	return p == reloading || p == booting && m.now().Sub(m.boot.began) < 2*m.gen.o.BootTimeout
}

// statusLine is systemd's STATUS: the phase in words, with numbers.
func (m *master) statusLine() string {
	switch m.phase() {
	case booting:
		return fmt.Sprintf("starting: %d of %s ready", m.readySlots(), plural(m.target, "worker"))
	case reloading:
		g := m.reload.gen
		return fmt.Sprintf("reloading: %d of %s of generation %d", m.readyOf(g), plural(g.o.Workers, "worker"), g.n)
	case leaving:
		return fmt.Sprintf("leaving: readiness fails, %s until the drain", plural(m.readySlots(), "worker"))
	case stopping, ended:
		return fmt.Sprintf("stopping: %s to finish", plural(len(m.workers), "worker"))
	}
	return fmt.Sprintf("%d of %s ready, generation %d%s%s", m.readySlots(), plural(m.target, "worker"), m.gen.n, m.sd.rate, m.sd.news)
}

// nextNotice is when systemd must be sent something at the latest.
func (m *master) nextNotice() time.Time {
	if m.sd.send == nil {
		return time.Time{}
	}
	next := m.sd.rate.at.Add(rateEvery)
	earlier := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if m.sd.watchdog > 0 {
		earlier(m.sd.alive.Add(m.sd.watchdog))
	}
	if m.takesLong() {
		earlier(m.sd.extended.Add(extendEvery))
	}
	return next
}
