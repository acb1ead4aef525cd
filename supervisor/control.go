package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
)

// ask is a request of the control socket or of /metrics on its way into the loop, and until its
// outcome is known.
type ask struct {
	command command
	workers int  // of scale
	quick   bool // of stop
	reply   chan outcome
}

// command is what the control socket asks of the loop.
type command string

const (
	commandStatus  command = "status"
	commandReload  command = "reload"
	commandScale   command = "scale"
	commandUpgrade command = "upgrade"
	commandStop    command = "stop"
	commandMetrics command = "metrics" // for /metrics on the admin address
)

// outcome answers an ask: status of commandStatus, scrape of commandMetrics, said or err of
// the others.
type outcome struct {
	status *control.Status
	scrape *scrape
	said   string
	err    error
}

func newAsk(c command) *ask { return &ask{command: c, reply: make(chan outcome, 1)} }

func (a *ask) done(format string, args ...any) {
	a.reply <- outcome{said: fmt.Sprintf(format, args...)}
}

func (a *ask) failed(hint, format string, args ...any) {
	a.reply <- outcome{err: control.Failed(hint, format, args...)}
}

// askers are the asks that wait for their outcome.
type askers struct {
	reload []*ask // the reload under way
	next   []*ask // the one that follows it
	scale  []*ask // the wanted number of workers
	stop   []*ask // the end of the master
}

// onAsk does what the control socket asks for.
func (m *master) onAsk(a *ask) {
	if a.command != commandStatus && a.command != commandMetrics {
		logevent.CommandCame.Log(m.log, "command on the control socket", "command", string(a.command))
	}
	switch a.command {
	case commandStatus:
		a.reply <- outcome{status: m.status()}
	case commandMetrics:
		if m.onProbation() { // the totals are still the old master's
			a.failed("try again in a second", "metrics: this master has not taken over yet")
			return
		}
		a.reply <- outcome{scrape: m.scrape()}
	case commandReload:
		m.askReload(a)
	case commandScale:
		m.askScale(a)
	case commandUpgrade:
		m.askUpgrade(a)
	case commandStop:
		m.waiting.stop = append(m.waiting.stop, a)
		switch {
		case !m.ending.begun && a.quick:
			m.stop(false)
		case !m.phase().ending():
			m.leave()
		case a.quick:
			m.killAll("told to stop quickly while it stopped")
		}
	}
}

// askReload does what the signal HUP does, and keeps the ask until the reload is done.
func (m *master) askReload(a *ask) {
	switch {
	case m.phase().ending():
		a.failed("", "reload: the master is stopping")
	case m.reload != nil:
		m.onHUP() // another reload follows this one
		m.waiting.next = append(m.waiting.next, a)
	default:
		m.waiting.reload = append(m.waiting.reload, a)
		m.onHUP()
	}
}

// askScale sets the number of workers.
func (m *master) askScale(a *ask) {
	switch {
	case m.phase().ending():
		a.failed("", "scale: the master is stopping")
		return
	case a.workers < 1:
		a.failed("narwhal stop ends the service", "scale: %d workers: want at least 1", a.workers)
		return
	case a.workers > mostWorkers:
		a.failed("more workers than cores do not make it faster", "scale: %d workers: want at most %d", a.workers, mostWorkers)
		return
	case m.reload != nil:
		a.failed("try again when it is done", "scale: a reload is under way, and it sets the number of workers")
		return
	}
	m.waiting.endScale(func(before *ask) { before.failed("", "scale: overtaken by another, to %d", a.workers) })
	logevent.Scaled.Log(m.log, "scaling", "from", m.target, "to", a.workers)
	m.target = a.workers
	m.waiting.scale = append(m.waiting.scale, a)
}

// mostWorkers is how many workers a master runs at most.
const mostWorkers = control.MaxWorkers

// What to do about a reload that has failed: before it began, because of the settings, or
// because a worker could not start.
const (
	reloadAgain = "the workers go on with the configuration they have; correct it, and run narwhal reload again"
	readTheLog  = "the other workers go on with the configuration they have; correct it, and run narwhal reload again. The server's log says more (--error-logfile, or journalctl -u narwhal): see the events worker_boot_failed and reload_failed"
)

// answerReload answers the asks that wait for the reload. err is nil if it succeeded. hint
// says what to do about err.
func (m *master) answerReload(err error, hint string) {
	for _, a := range m.waiting.reload {
		if err != nil {
			a.failed(hint, "reload: %v", err)
		} else {
			a.done("generation %d serves with %s%s", m.gen.n, plural(m.target, "worker"), m.gen.aboutKept())
		}
	}
	m.waiting.reload, m.waiting.next = m.waiting.next, nil
	if err != nil { // the reload that was to follow is not done either
		for _, a := range m.waiting.reload {
			a.failed(hint, "reload: the reload before it failed: %v", err)
		}
		m.waiting.reload = nil
		return
	}
	m.waiting.endScale(func(a *ask) { a.failed("", "scale: overtaken by a reload") })
}

// endScale answers the asks that wait for a number of workers.
func (w *askers) endScale(answer func(*ask)) {
	for _, a := range w.scale {
		answer(a)
	}
	w.scale = nil
}

// scaleFailed is called when a worker could not start. If the worker's slot is empty,
// scaleFailed answers the asks that wait for a number of workers. The master goes on
// trying to start workers, as it does after TTIN.
func (m *master) scaleFailed(s *slot, err error) {
	if s.cur == nil {
		m.waiting.endScale(func(a *ask) {
			a.failed("the master goes on trying; a smaller number ends that", "scale: worker %d could not start: %v", s.n, err)
		})
	}
}

// answerScale answers the asks that wait for a number of workers, if the number is reached.
// In a stop it answers them, and those that wait for a reload, with an error.
func (m *master) answerScale() {
	if m.ending.begun {
		m.answerReload(errors.New("overtaken by a stop"), "")
		m.waiting.endScale(func(a *ask) { a.failed("", "scale: overtaken by a stop") })
	} else if m.full() && !slices.ContainsFunc(m.byAge(), func(w *worker) bool { return w.slot.dropped }) {
		m.waiting.endScale(func(a *ask) { a.done("%s", plural(m.target, "worker")) })
	}
}

// endStop answers the asks that wait for the end of the master. lost is the number of
// requests that did not finish.
func (w *askers) endStop(lost int) {
	for _, a := range w.stop {
		if lost > 0 {
			a.failed("a longer --graceful-timeout lets them finish", "stopped, and %s did not finish", plural(lost, "request"))
		} else {
			a.done("stopped")
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// status returns what narwhal status shows. internal/control adds the memory of each worker,
// which it reads from /proc.
func (m *master) status() *control.Status {
	s := &control.Status{
		Parked: m.sys.Parked(),
		Pid:    os.Getpid(), State: m.phase().String(), Started: m.boot.began, Generation: m.gen.n, Wanted: m.target, Note: m.note,
	}
	s.Requests, s.Errors = m.totals().Requests()
	for _, l := range m.addr {
		s.Listen = append(s.Listen, l.Addr)
	}
	now := m.now()
	s.Uptime = now.Sub(m.boot.began)
	for _, w := range m.byAge() {
		b := w.proc.Status()
		s.Workers = append(s.Workers, control.Worker{
			Slot: w.slot.n, Pid: w.proc.Pid(), Age: w.age, Generation: w.gen.n, State: w.state.String(), Uptime: now.Sub(w.began),
			Requests: b.Requests, Errors: b.Failures, Received: b.Received, Sent: b.Sent, Busy: b.Busy, Missed: b.Missed, InFlight: b.InFlight, Waiting: b.Waiting, Connections: b.Conns,
			Oldest: b.Running, OldestRequest: b.What,
		})
	}
	slices.SortStableFunc(s.Workers, func(a, b control.Worker) int { return a.Slot - b.Slot })
	return s
}

// asker passes what the control socket asks into the loop. It is a control.Master.
type asker struct{ inbox }

func (c asker) ask(ctx context.Context, a *ask) (outcome, error) {
	select {
	case c.asks <- a:
	case <-c.gone:
		return outcome{}, control.Failed("", "%s: the master has stopped", a.command)
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
	select {
	case o := <-a.reply:
		return o, o.err
	case <-ctx.Done(): // The client has gone. What it asked for goes on.
		return outcome{}, ctx.Err()
	}
}

func (c asker) Status(ctx context.Context) (*control.Status, error) {
	o, err := c.ask(ctx, newAsk(commandStatus))
	return o.status, err
}

func (c asker) Reload(ctx context.Context) (string, error) {
	o, err := c.ask(ctx, newAsk(commandReload))
	return o.said, err
}

func (c asker) Upgrade(ctx context.Context) (string, error) {
	o, err := c.ask(ctx, newAsk(commandUpgrade))
	return o.said, err
}

func (c asker) Scale(ctx context.Context, workers int) (string, error) {
	a := newAsk(commandScale)
	a.workers = workers
	o, err := c.ask(ctx, a)
	return o.said, err
}

func (c asker) Stop(ctx context.Context, quick bool) (string, error) {
	a := newAsk(commandStop)
	a.quick = quick
	o, err := c.ask(ctx, a)
	return o.said, err
}
