package supervisor

import (
	"slices"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// ending is how far this master's stop has got, and why it stops.
type ending struct {
	begun       bool           // the drain: no worker is started any more
	drainAt     time.Time      // the end of --drain-delay; zero: there is none
	by          time.Time      // the workers are killed then
	parking     bool           // parked connections end when no process parks any more
	linger      time.Duration  // their clients may use them for so long then
	signal      syscall.Signal // the latest one that told the master to stop
	signalAt    time.Time
	termIgnored bool  // a TERM has come after the hand-over; the next one counts
	lost        int   // requests that did not finish
	err         error // what Run returns
}

// sameTime is how long a repeated signal to stop is the same one. timeout(1)
// sends each signal twice, to its child and to its process group. A terminal
// sends ^C to the whole group, and a shell may pass it on.
const sameTime = time.Second

// toldToStop begins a stop. A second signal kills the workers at once.
func (m *master) toldToStop(s syscall.Signal) {
	e, now := &m.ending, m.now()
	if s == e.signal && now.Before(e.signalAt.Add(sameTime)) {
		logevent.SignalIgnored.Log(m.log, "the same signal again within a second counts as one", "signal", signalName(s))
		return
	}
	e.signal, e.signalAt = s, now
	switch {
	case s == syscall.SIGTERM && m.upgrade.handedOver && !e.termIgnored: // systemd's KillMode=control-group signals this process, too
		e.termIgnored = true
		logevent.SignalIgnored.Log(m.log, "already leaving: a new master has taken over", "signal", signalName(s))
	case m.phase().ending():
		m.killAll("told to stop twice")
	case s == syscall.SIGTERM:
		m.leave()
	default:
		m.stop(false)
	}
}

// leave begins a graceful stop. With --drain-delay readiness fails first, and
// requests are served as before until the delay is over: load balancers need time
// to see that readiness fails and to send requests elsewhere. Then the drain
// begins.
func (m *master) leave() {
	delay := m.gen.o.DrainDelay
	if delay <= 0 || m.onProbation() {
		m.stop(true)
		return
	}
	m.ending.drainAt = m.now().Add(delay)
	m.ready.Store(false)
	logevent.DrainDelayed.Log(m.log, "leaving; readiness fails, requests are served until the drain", "drain_delay", delay)
	for _, w := range m.byAge() {
		if w.state == Ready {
			m.tell(w, wire.Message{Kind: wire.Leave})
		}
	}
}

// quickTime is how long running requests have in a quick stop.
const quickTime = time.Second

// stop begins the drain. A graceful stop answers requests that are queued or
// running. A quick one gives running requests a second. No worker is started any
// more.
func (m *master) stop(graceful bool) {
	m.reload = nil
	m.ready.Store(false)
	wait := m.gen.o.GracefulTimeout
	if !graceful {
		wait = min(wait, quickTime)
	}
	m.ending.begun, m.ending.by = true, m.now().Add(wait)
	logevent.StopBegun.Log(m.log, "stopping", "graceful", graceful, "within", wait)
	if m.upgrade.running != nil {
		m.endNewMaster(syscall.SIGTERM, "overtaken by a stop")
	}
	how := wire.Message{}
	if !m.onProbation() { // on probation the queue is the old master's
		m.refuseClients(graceful, wait)
		how = wire.Message{Queue: graceful && m.ownsSocket(), Last: true}
	}
	for _, w := range m.byAge() {
		if w.state == Draining && m.ending.by.Before(w.deadline) {
			w.deadline = m.ending.by
		}
	}
	m.drainAll("stopping", how)
	m.endParking()
}

// refuseClients keeps new clients out, and ends parked connections.
func (m *master) refuseClients(graceful bool, wait time.Duration) {
	linger := time.Duration(0)
	if graceful {
		linger = min(m.gen.o.Linger, wait/2)
	}
	m.sys.Refuse()
	m.ending.parking, m.ending.linger = true, linger
}

// endParking ends the parked connections of a service that ends. It waits until each
// worker has said that it parks no more, or is gone, and a new master is gone, too: a
// connection that is parked later would be lost.
func (m *master) endParking() {
	if !m.ending.parking || m.upgrade.running != nil {
		return
	}
	for _, w := range m.workers {
		if !w.settled {
			return
		}
	}
	m.ending.parking = false
	m.sys.EndParking(m.ending.linger)
}

// ownsSocket reports whether this master may shut down some socket. A stop then
// answers what is queued there. Connections that are queued on a socket of systemd
// wait for the next process. Nobody can keep new clients out there, so under load
// the queue would never be empty.
func (m *master) ownsSocket() bool {
	return slices.ContainsFunc(m.addr, func(l wire.Listener) bool { return l.Ours })
}

// retire ends this master and leaves the sockets, and what is queued there, to
// another process: the new master or, with last, whoever else holds them.
func (m *master) retire(last bool) {
	m.ending.begun, m.ending.by = true, m.now().Add(m.gen.o.GracefulTimeout)
	m.ending.parking = last // without a linger: the clients would wait for the old master
	m.drainAll("leaving", wire.Message{Last: last})
	m.endParking()
}

// drainAll tells the ready workers to leave, with how as their message, and kills
// those that are starting. With how.Last, those that already leave are told that no
// process goes on with the service.
func (m *master) drainAll(why string, how wire.Message) {
	for _, w := range m.byAge() {
		switch w.state {
		case Starting:
			m.kill(w, why)
		case Ready:
			m.drain(w, how)
		case Draining:
			if how.Last {
				m.tell(w, wire.Message{Kind: wire.Drain, Last: true})
			}
		}
	}
}

// killAll sends SIGKILL to every worker. The loop returns when the last one has
// been reaped.
func (m *master) killAll(why string) {
	m.ending.begun = true
	if m.upgrade.running != nil {
		m.endNewMaster(syscall.SIGKILL, why)
	}
	for _, w := range m.byAge() {
		if w.state != Killed {
			m.kill(w, why)
		}
	}
}
