package supervisor

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// master is the state of the service. Only the loop (run) uses it.
type master struct {
	sys   system
	log   *slog.Logger
	addr  []wire.Listener // the sockets that are served
	ready *atomic.Bool    // what /readyz answers
	hooks
	inbox

	gen       *generation // in force
	lastGen   int         // number of the latest generation, also if its reload failed
	note      string      // what a worker's app said of itself
	model     string      // of a worker's app
	lastPhase phase       // in the loop's last turn, for checkPhase

	pool
	counts
	boot     boot
	reload   *reload // nil: none is under way
	upgrade  upgradeEnds
	ending   ending
	shortage shortage
	checks   checks
	waiting  askers
	sd       systemd
	recent   *recent // events; nil: they are not kept
}

// hooks are what tests replace.
type hooks struct {
	now    func() time.Time
	random func() float64 // in [0, 1)
	bug    func(error)    // is told of a mistake in this program
	pid    int
}

// inbox has the channels that the loop reads.
type inbox struct {
	events  chan event // of workers and of other masters
	signals signals
	asks    chan *ask     // of the control socket
	gone    chan struct{} // closed when the loop has ended
	last    chan *scrape  // has the last numbers when gone is closed
}

// boot is the start of the service.
type boot struct {
	began   time.Time
	anyone  bool  // some worker was ready once
	started bool  // every slot has had a ready worker
	failed  error // why the first workers could not start
}

// checks are the times at which something was looked at last.
type checks struct {
	requests time.Time            // how long the workers' requests run
	memory   time.Time            // of the workers
	queues   time.Time            // of connections that wait
	warned   map[string]time.Time // by address: the log said that its queue is full
	empty    map[string]time.Time // by address: its queue was empty
}

// newInbox makes the channels through which others reach the loop.
func newInbox(signals signals) inbox {
	return inbox{events: make(chan event, 64), signals: signals, asks: make(chan *ask), gone: make(chan struct{}), last: make(chan *scrape, 1)}
}

func newMaster(o Options, sys system, addr []wire.Listener, in inbox, ready *atomic.Bool) (*master, error) {
	o.setDefaults()
	m := &master{
		sys: sys, log: o.Log, addr: addr, ready: ready,
		hooks:  hooks{now: time.Now, random: rand.Float64, pid: os.Getpid()},
		inbox:  in,
		pool:   pool{workers: map[int]*worker{}},
		counts: newCounts(),
		boot:   boot{began: time.Now()},
		checks: checks{warned: map[string]time.Time{}, empty: map[string]time.Time{}},
	}
	m.bug = func(err error) { logevent.BugFound.Log(m.log, "narwhal has a bug; it goes on", "error", err) }
	gen, err := m.newGeneration(o)
	if err != nil {
		return nil, err
	}
	m.adopt(gen)
	return m, nil
}

// run is the loop. It returns when the service has ended.
func (m *master) run(ctx context.Context) error {
	if m.upgrade.old = m.sys.OldMaster(m.events); m.upgrade.old == nil {
		m.sd = m.sys.StartService(m.inbox)
	}
	m.sys.Reap(m.isWorker) // orphans that ended before their SIGCHLD could be read
	for {
		more := m.reconcile()
		m.endFailedBoot()
		m.publish()
		phase := m.checkPhase()
		m.notify()
		m.answerScale()
		if phase == ended {
			m.passOnLastTotals()
			m.last <- m.scrape()
			close(m.gone)
			m.waiting.endStop(m.ending.lost)
			return m.ending.err
		}
		if m.await(ctx, more) {
			logevent.ContextEnded.Log(m.log, "the context has ended", "because", context.Cause(ctx))
			m.stop(true)
			ctx = context.WithoutCancel(ctx)
		}
		m.tick()
	}
}

// await waits for the next thing to do and does it. With more it does not wait.
// It reports whether ctx has ended.
func (m *master) await(ctx context.Context, more bool) (canceled bool) {
	timer := time.NewTimer(m.untilNext())
	defer timer.Stop()
	goOn := make(chan struct{}) // blocks for ever, unless closed
	if more {
		close(goOn)
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
		return true
	}
	return false
}

// endFailedBoot ends the service if its first workers could not start.
func (m *master) endFailedBoot() {
	if m.boot.failed == nil {
		return
	}
	m.ending.err = &BootError{m.boot.failed}
	m.boot.failed = nil
	if m.onProbation() {
		m.retire(false) // the workers that are ready have requests of the service
	} else {
		m.killAll("the first workers could not start")
	}
}

// publish says whether the service is ready: to /readyz in every turn of the
// loop, and once to whoever waits for the start.
func (m *master) publish() {
	ending := m.phase().ending()
	m.ready.Store(m.readySlots() > 0 && !ending || m.upgrade.handedOver)
	if m.boot.started || m.ending.begun || !m.full() {
		return
	}
	m.boot.started = true
	logevent.ServiceReady.Log(m.log, "ready", "workers", len(m.slots), "generation", m.gen.n)
	if m.onProbation() {
		m.tellOldMasterReady()
	} else {
		m.tellStarted()
	}
}

// tellStarted calls Options.Started.
func (m *master) tellStarted() {
	if m.gen.o.Started == nil {
		return
	}
	var bound []string
	for _, l := range m.addr {
		bound = append(bound, l.Addr)
	}
	m.gen.o.Started(bound, m.note)
}

// onEvent passes an event on to whoever handles it.
func (m *master) onEvent(e event) {
	switch e.from {
	case fromNewMaster:
		m.onNewMaster(e)
	case fromOldMaster:
		m.onOldMaster(e)
	default:
		m.onWorker(e)
	}
}
