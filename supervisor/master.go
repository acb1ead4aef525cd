package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// process is a worker as the loop sees it: the seam between deciding and the
// operating system. exec.go fills it with real ones, the stories with fakes.
type process interface {
	Pid() int
	Send(wire.Message) error
	Signal(syscall.Signal) error
	Status() board.Status
	Memory() (int64, error)
	Release() // it is gone: its descriptors and its line are free
}

// system starts processes and sockets' ends for the loop.
type system interface {
	// Start starts a worker. Its messages and its death are reported to events.
	Start(h wire.HelloMessage, env []string, events chan<- event) (process, error)
	// Refuse keeps newcomers out while what is queued is answered.
	Refuse()
	// EndParking has parked connections closed, once their clients have had the
	// time to use them.
	EndParking(linger time.Duration)
	// Parked is how many connections are parked.
	Parked() int
	// Upgrade starts the program on disk as a new master. What it says and its
	// end are reported to events.
	Upgrade(events chan<- event) (heir, error)
	// Disown leaves the sockets to the new master.
	Disown()
	// Own takes them over from the old one; it says which of them are ours.
	Own() []bool
	// Full lists the listening sockets whose queues are full.
	Full() []queue
	// Reap buries orphans: children that are not workers, if this is PID 1.
	Reap(isWorker func(pid int) bool)
}

// event is something a worker did: said a message, or died. Events carry the
// worker's age, because slot and generation repeat when it is respawned and a
// late word of the dead must not be taken for one of the living.
//
// The two masters of an upgrade hear of each other in the same way.
type event struct {
	from   source
	age    int
	msg    wire.Message
	exited bool
	status exitStatus
}

// source is who an event is about.
type source int

const (
	fromWorker source = iota
	fromHeir          // the new master
	fromOld           // the old master
)

// exitStatus is how a process ended.
type exitStatus struct {
	code   int
	signal syscall.Signal // 0 if it exited
}

func (s exitStatus) String() string {
	if s.signal != 0 {
		return "signal " + signalName(s.signal)
	}
	return fmt.Sprintf("exit code %d", s.code)
}

// worker is one process, from spawn to death.
type worker struct {
	age      int
	slot     *slot
	gen      *generation
	proc     process
	state    State
	began    time.Time // its process was started
	since    time.Time // it entered the state
	readyAt  time.Time // zero until it was ready
	deadline time.Time // the state must have ended by then; zero: no limit
	retireAt time.Time // too old by then; zero: no limit
	heavy    int       // times in a row that it had too much memory
	failure  string    // why it could not start
	hung     bool      // a request of it ran for longer than the timeout
}

// generation is one reading of the configuration.
type generation struct {
	n        int
	o        Options
	settings json.RawMessage
}

type master struct {
	o    Options // of the current generation
	sys  system
	log  *slog.Logger
	now  func() time.Time
	bug  func(error)
	addr []wire.Listener

	events  chan event
	signals signals
	asks    chan *ask     // of the control socket
	waiting askers        // for an outcome
	gone    chan struct{} // closed when the loop has ended
	began   time.Time
	lost    int    // requests that did not finish in a stop
	past    uint64 // requests that workers have answered who are gone
	sd      systemd

	drainAt   time.Time            // end of the drain delay; zero before SIGTERM
	random    func() float64       // in [0, 1)
	lastWeigh time.Time            // of the workers' memory
	lastCrowd time.Time            // a look at the queues
	crowded   map[string]time.Time // by address: it was said that the queue is full

	shortage shortage
	slots    []*slot // in order of their numbers
	workers  map[int]*worker
	target   int // number of slots wanted
	age      int // of the youngest worker

	gen     *generation // current
	lastGen int         // number of the latest, also if that failed
	upgrade *upgrade    // under way
	old     old         // the master we are to replace, until it has left us the service
	reload  *reload     // under way
	again   bool        // another HUP came during it

	everReady    bool
	started      bool
	note         string         // what a worker's app said of itself
	bootError    error          // why the first workers could not start
	fatal        error          // what run returns
	stopping     bool           // told to end
	pid          int            // ours
	handedOver   bool           // a new master has the service
	patient      bool           // a TERM after that has been overheard
	stopSignal   syscall.Signal // the latest that told us to stop
	stopSignalAt time.Time
	stopBy       time.Time // and by then
	ready        *atomic.Bool
	lastTick     time.Time
	lastPhase    phase
}

func newMaster(o Options, sys system, addr []wire.Listener, signals signals, ready *atomic.Bool) (*master, error) {
	o.setDefaults()
	m := &master{
		sys: sys, log: o.Log, now: time.Now, addr: addr,
		events:  make(chan event, 64),
		signals: signals,
		asks:    make(chan *ask),
		gone:    make(chan struct{}),
		began:   time.Now(),
		random:  rand.Float64,
		workers: map[int]*worker{},
		crowded: map[string]time.Time{},
		ready:   ready,
		pid:     os.Getpid(),
	}
	m.bug = func(err error) { m.log.Error("narwhal has a bug; it goes on", "error", err) }
	gen, err := m.newGeneration(o)
	if err != nil {
		return nil, err
	}
	m.adopt(gen)
	return m, nil
}

func (m *master) newGeneration(o Options) (*generation, error) {
	if o.Workers < 1 || o.Workers > mostWorkers {
		return nil, fmt.Errorf("%d workers: want 1 to %d", o.Workers, mostWorkers)
	}
	b, err := json.Marshal(o.Settings)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	m.lastGen++
	return &generation{n: m.lastGen, o: o, settings: b}, nil
}

// adopt makes a generation the current one.
func (m *master) adopt(g *generation) {
	m.gen = g
	m.o = g.o
	m.target = g.o.Workers
}

// run is the loop. It returns when the last worker has gone after a stop.
func (m *master) run(ctx context.Context) error {
	m.sys.Reap(m.isWorker) // orphans that died before anybody heard of it
	atOnce := make(chan struct{})
	close(atOnce)
	for {
		more := m.reconcile()
		if m.bootError != nil {
			m.fatal = &BootError{m.bootError}
			m.bootError = nil
			if m.onProbation() {
				m.retire(false) // those that are ready have requests of the service
			} else {
				m.killAll("the first workers could not start")
			}
		}
		m.publish()
		phase := m.checkPhase()
		m.notify()
		m.settle()
		if phase == ended {
			m.farewell()
			return m.fatal
		}
		timer := time.NewTimer(m.untilNext())
		var goOn <-chan struct{} // blocks for ever
		if more {
			goOn = atOnce
		}
		select {
		case <-goOn:
		case e := <-m.events:
			m.onEvent(e)
		case s := <-m.signals.stop:
			m.onSignal(s)
		case s := <-m.signals.other:
			m.onSignal(s)
		case a := <-m.asks:
			m.onAsk(a)
		case <-timer.C:
		case <-ctx.Done():
			m.log.Info("stopping", "because", context.Cause(ctx))
			m.stop(true)
			ctx = context.WithoutCancel(ctx)
		}
		timer.Stop()
		m.tick()
	}
}

// byAge lists the workers, the eldest first, so that what is done to several is
// done in an order one can read.
func (m *master) byAge() []*worker {
	return slices.SortedFunc(maps.Values(m.workers), func(a, b *worker) int { return a.age - b.age })
}

// publish tells the admin server.
func (m *master) publish() {
	ready := m.readyWorkers() > 0
	m.ready.Store(ready && !m.phase().ending() || m.handedOver)
	if !m.started && ready && !m.stopping && m.full() {
		m.started = true
		m.log.Info("ready", "workers", len(m.slots), "generation", m.gen.n)
		if m.onProbation() {
			m.announce()
		} else {
			m.tellStarted()
		}
	}
}

func (m *master) tellStarted() {
	if m.o.Started == nil {
		return
	}
	var bound []string
	for _, l := range m.addr {
		bound = append(bound, l.Addr)
	}
	m.o.Started(bound, m.note)
}

func (m *master) full() bool {
	return len(m.slots) == m.target && !slices.ContainsFunc(m.slots, func(s *slot) bool { return s.cur == nil })
}

func (m *master) onEvent(e event) {
	switch e.from {
	case fromHeir:
		m.onHeir(e)
		return
	case fromOld:
		m.onOld(e)
		return
	}
	w := m.workers[e.age]
	switch {
	case w == nil:
		m.bug(fmt.Errorf("event of a worker of age %d that is gone", e.age))
	case e.exited:
		m.onExit(w, e.status)
		m.sys.Reap(m.isWorker) // an orphan may have waited behind it
	case e.msg.Kind == wire.Ready:
		m.onReady(w, e.msg.Note)
	case e.msg.Kind == wire.Failed:
		w.failure = e.msg.Error
	case e.msg.Kind == wire.Worn:
		if w.slot.cur == w && !w.slot.replace {
			m.log.Info("worker asks to be replaced", append(w.attrs(), "because", e.msg.Error)...)
			w.slot.replace = true
		}
	}
}

// attrs names a worker in log lines.
func (w *worker) attrs() []any {
	return []any{"worker", w.slot.n, "worker_pid", w.proc.Pid(), "age", w.age}
}

// onReady: the successor takes the slot, and only now its predecessor leaves.
func (m *master) onReady(w *worker, note string) {
	if w.state != Starting || w.slot.next != w {
		return // it has been given up meanwhile
	}
	m.move(w, Ready)
	w.deadline = time.Time{}
	w.readyAt = m.now()
	m.everReady = true
	m.note = note
	s := w.slot
	old := s.cur
	s.cur, s.next, s.gen, s.replace = w, nil, w.gen, false
	m.log.Info("worker ready", w.attrs()...)
	m.welcome(w)
	if old != nil {
		m.drain(old, wire.Message{})
	} else {
		m.rebalance(w)
	}
	m.reloaded(s)
}

// rebalance gives a worker that has no predecessor its part of the clients that
// keep their connections: the others let go of theirs. Parked connections need
// no such thing.
func (m *master) rebalance(newcomer *worker) {
	if !m.started || m.o.Park {
		return
	}
	for _, w := range m.byAge() {
		if w != newcomer && w.state == Ready {
			m.tell(w, wire.Message{Kind: wire.Rebalance})
		}
	}
}

// onExit buries a worker and decides what its slot gets.
func (m *master) onExit(w *worker, status exitStatus) {
	was, s := w.state, w.slot
	last := w.proc.Status()
	m.past += last.Requests
	m.move(w, Gone)
	w.proc.Release()
	delete(m.workers, w.age)
	attrs := append(w.attrs(), "status", status.String())

	switch {
	case s.next == w:
		s.next = nil
		m.bootFailed(w, status)
		return
	case s.cur == w:
		s.cur = nil
	}
	switch {
	case was == Ready && !m.stopping:
		attrs = append(attrs, "state", last.State, "running", what(last), "connections", last.Conns, "requests", last.Requests)
		if status.signal == syscall.SIGKILL {
			attrs = append(attrs, "hint", killHint)
		}
		m.log.Error("worker died", attrs...)
		wait := s.deaths.died(m.now().Sub(w.readyAt))
		s.startAt = m.now().Add(wait)
		if wait > 0 {
			m.log.Warn("worker keeps dying; waiting before the next", "worker", s.n, "deaths", s.deaths.inARow, "wait", wait,
				"hint", "the lines «worker died» say what it was running; other workers serve")
		}
	case status == exitStatus{}:
		m.log.Info("worker left", append(attrs, "requests", last.Requests)...)
	default:
		if m.stopping {
			m.lost += last.InFlight
		}
		m.log.Warn("worker ended before it had finished", append(attrs, "was", was.String(), "lost", last.InFlight, "running", what(last))...)
	}
}

// killHint is for SIGKILL, of which the dead cannot tell the reason.
const killHint = "a person sends SIGKILL, or the kernel when memory is short (dmesg | grep -i oom): then run fewer workers, " +
	"give them more memory, or replace those that grow with --max-worker-memory"

// what tells the request running longest, as far as the scoreboard knows it.
func what(s board.Status) string {
	if s.Running == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s (%d bytes, for %s), %d in flight", s.What, s.Size, s.Running.Round(time.Millisecond), s.InFlight)
}

// bootFailed: a worker ended before it was ready.
func (m *master) bootFailed(w *worker, status exitStatus) {
	s := w.slot
	if s.dropped || m.stopping {
		return
	}
	err := fmt.Errorf("it died while starting: %s", status)
	if w.failure != "" {
		err = errors.New(w.failure)
	}
	m.log.Error("worker could not start", append(w.attrs(), "error", err)...)
	if m.reloadFailed(w, err) {
		return
	}
	m.scaleFailed(s, err)
	wait := s.deaths.died(0)
	// What a worker says itself will not change by trying again; a death may.
	if !m.everReady && (w.failure != "" || wait > 0) || m.onProbation() {
		m.bootError = err
		return
	}
	s.startAt = m.now().Add(max(wait, firstWait))
	m.log.Warn("trying again", "worker", s.n, "wait", max(wait, firstWait))
}
