package supervisor

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// The signals that a master reads, from two channels. signal.Notify drops a signal
// whose channel is full, so those that stop the master have a channel that no
// other signal can fill.
var (
	stopSignals  = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}
	otherSignals = []os.Signal{syscall.SIGHUP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCHLD}
)

type signals struct{ stop, other chan os.Signal }

// listen collects signals until end is called.
func (s *signals) listen() (end func()) {
	// The kernel and the Go runtime merge unread signals of one kind, so few can
	// come while the loop is busy.
	s.stop, s.other = make(chan os.Signal, 32), make(chan os.Signal, 32)
	signal.Notify(s.stop, stopSignals...)
	signal.Notify(s.other, otherSignals...)
	return func() {
		signal.Stop(s.stop)
		signal.Stop(s.other)
	}
}

func signalName(s syscall.Signal) string {
	if n := unix.SignalName(s); n != "" {
		return n
	}
	return s.String()
}

// onSignal does what a signal asks for. docs/signals.md has the table.
func (m *master) onSignal(sig os.Signal) {
	s, _ := sig.(syscall.Signal)
	switch s {
	case syscall.SIGCHLD:
		m.sys.Reap(m.isWorker)
		return
	case syscall.SIGWINCH: // a terminal's window changed its size
		return
	}
	logevent.SignalReceived.Log(m.log, "signal", "signal", signalName(s))
	switch s {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		m.toldToStop(s)
	case syscall.SIGHUP:
		if !m.phase().ending() {
			m.onHUP()
		}
	case syscall.SIGTTIN:
		if m.target >= mostWorkers {
			logevent.ScaleRefused.Log(m.log, "there are as many workers as a master can have", "workers", m.target)
			return
		}
		m.target++
		logevent.Scaled.Log(m.log, "one worker more", "from", m.target-1, "to", m.target)
	case syscall.SIGTTOU:
		if m.target == 1 {
			logevent.ScaleRefused.Log(m.log, "keeping the last worker", "workers", m.target)
			return
		}
		m.target--
		logevent.Scaled.Log(m.log, "one worker less", "from", m.target+1, "to", m.target)
	case syscall.SIGUSR1:
		m.reopen()
	case syscall.SIGUSR2:
		_ = m.tryUpgrade() // it is logged
	}
}

// reopen opens log files again, in the master and in every worker.
func (m *master) reopen() {
	if m.gen.o.Reopen != nil {
		if err := m.gen.o.Reopen(); err != nil {
			logevent.ReopenFailed.Log(m.log, "cannot reopen the log file; the one that is open stays in use", "error", err)
		}
	}
	for _, w := range m.byAge() {
		m.tell(w, wire.Message{Kind: wire.Reopen})
	}
}
