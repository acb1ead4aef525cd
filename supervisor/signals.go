package supervisor

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// A master acts on these, in two queues. signal.Notify drops what finds its
// channel full, so those that stop the master have a channel that no other signal
// can fill.
var (
	stopSignals  = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}
	otherSignals = []os.Signal{syscall.SIGHUP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCHLD}
)

type signals struct{ stop, other chan os.Signal }

// listen starts to collect signals, until the returned function is called.
func (s *signals) listen() (end func()) {
	// The kernel and the Go runtime merge signals of one kind that nobody has
	// read yet, so few can come while the loop is busy.
	s.stop, s.other = make(chan os.Signal, 32), make(chan os.Signal, 32)
	signal.Notify(s.stop, stopSignals...)
	signal.Notify(s.other, otherSignals...)
	return func() {
		signal.Stop(s.stop)
		signal.Stop(s.other)
	}
}

// sameTime is how long a repeated signal to stop is the same one. timeout(1)
// sends each signal twice, to its child and to its process group; a terminal
// sends ^C to the whole group, and a shell may pass it on.
const sameTime = time.Second

func signalName(s syscall.Signal) string {
	if n := unix.SignalName(s); n != "" {
		return n
	}
	return s.String()
}

func (m *master) onSignal(sig os.Signal) {
	s, _ := sig.(syscall.Signal)
	switch s {
	case syscall.SIGCHLD:
		m.sys.Reap(m.isWorker)
		return
	case syscall.SIGWINCH: // a terminal's window changed its size
		return
	}
	m.log.Info("signal", "signal", signalName(s))
	switch s {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		m.toldToStop(s)
	case syscall.SIGHUP:
		if !m.phase().ending() {
			m.onHUP()
		}
	case syscall.SIGTTIN:
		if m.target >= mostWorkers {
			m.log.Warn("there are as many workers as a master can have", "workers", m.target)
			return
		}
		m.target++
		m.log.Info("one worker more", "workers", m.target)
	case syscall.SIGTTOU:
		if m.target == 1 {
			m.log.Warn("one worker less is none; keeping one")
			return
		}
		m.target--
		m.log.Info("one worker less", "workers", m.target)
	case syscall.SIGUSR1:
		m.reopen()
	case syscall.SIGUSR2:
		m.onUSR2()
	}
}

// toldToStop begins a stop; a second signal ends it at once.
func (m *master) toldToStop(s syscall.Signal) {
	now := m.now()
	if s == m.stopSignal && now.Before(m.stopSignalAt.Add(sameTime)) {
		m.log.Info("the same signal again within a second counts as one", "signal", signalName(s))
		return
	}
	m.stopSignal, m.stopSignalAt = s, now
	switch {
	case s == syscall.SIGTERM && m.handedOver && !m.patient: // systemd's KillMode=control-group reaches us too
		m.patient = true
		m.log.Info("leaving already; a new master has the service")
	case m.phase().ending():
		m.killAll("told to stop twice")
	case s == syscall.SIGTERM:
		m.leave()
	default:
		m.stop(false)
	}
}

func (m *master) isWorker(pid int) bool {
	for _, w := range m.workers {
		if w.proc.Pid() == pid {
			return true
		}
	}
	return false
}

// reopen opens log files again, here and in every worker.
func (m *master) reopen() {
	if m.o.Reopen != nil {
		if err := m.o.Reopen(); err != nil {
			m.log.Error("cannot reopen the log; it stays where it was", "error", err)
		}
	}
	for _, w := range m.byAge() {
		m.tell(w, wire.Message{Kind: wire.Reopen})
	}
}

// quickTime is what a quick stop leaves to requests that run.
const quickTime = time.Second

// stop ends the service: gracefully, answering what is queued and running, or
// quickly. No slot gets a worker any more.
func (m *master) stop(graceful bool) {
	m.stopping = true
	m.reload, m.again = nil, false
	m.ready.Store(false)
	wait := m.o.GracefulTimeout
	if !graceful {
		wait = min(wait, quickTime)
	}
	m.stopBy = m.now().Add(wait)
	if m.upgrade != nil {
		m.endHeir(syscall.SIGTERM, "overtaken by a stop")
	}
	graceful = graceful && !m.onProbation() // the queue is the old master's
	if !m.onProbation() {
		m.sys.Refuse()
		linger := m.o.Linger
		if !graceful {
			linger = 0
		}
		m.sys.EndParking(min(linger, wait/2))
	}
	for _, w := range m.byAge() {
		switch w.state {
		case Starting:
			m.kill(w, "stopping")
		case Ready:
			m.drain(w, wire.Message{Queue: graceful && m.queueEnds(), Last: !m.onProbation()})
		case Draining:
			if m.stopBy.Before(w.deadline) {
				w.deadline = m.stopBy
			}
		}
	}
}

// killAll ends every worker at once and with it, soon, the loop.
func (m *master) killAll(why string) {
	m.stopping = true
	if m.upgrade != nil {
		m.endHeir(syscall.SIGKILL, why)
	}
	for _, w := range m.byAge() {
		if w.state != Killed {
			m.kill(w, why)
		}
	}
}
