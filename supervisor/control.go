package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/narwhal-server/narwhal/internal/control"
)

// ask is a request of the control socket on its way into the loop, and until
// its outcome is known.
type ask struct {
	verb    string // status, reload, scale, upgrade, stop
	workers int    // scale
	quick   bool   // stop
	reply   chan outcome
}

type outcome struct {
	status *control.Status
	said   string
	err    error
}

func newAsk(verb string) *ask { return &ask{verb: verb, reply: make(chan outcome, 1)} }

func (a *ask) done(format string, args ...any) {
	a.reply <- outcome{said: fmt.Sprintf(format, args...)}
}

func (a *ask) failed(hint, format string, args ...any) {
	a.reply <- outcome{err: control.Failed(hint, format, args...)}
}

// askers are those who wait for an outcome.
type askers struct {
	reload []*ask // the reload under way
	next   []*ask // the one that follows it
	scale  []*ask // as many workers as are wanted
	stop   []*ask // the end
}

func (m *master) onAsk(a *ask) {
	if a.verb != "status" {
		m.log.Info("asked over the control socket", "to", a.verb)
	}
	switch a.verb {
	case "status":
		a.reply <- outcome{status: m.status()}
	case "reload":
		m.askReload(a)
	case "scale":
		m.askScale(a)
	case "upgrade":
		m.askUpgrade(a)
	case "stop":
		m.waiting.stop = append(m.waiting.stop, a)
		switch {
		case !m.stopping && a.quick:
			m.stop(false)
		case !m.phase().ending():
			m.leave()
		case a.quick:
			m.killAll("told to stop quickly while it stopped")
		}
	}
}

func (m *master) askReload(a *ask) {
	switch {
	case m.phase().ending():
		a.failed("", "reload: the master is stopping")
	case m.reload != nil:
		m.onHUP() // notes that another follows
		m.waiting.next = append(m.waiting.next, a)
	default:
		m.waiting.reload = append(m.waiting.reload, a)
		m.onHUP()
	}
}

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
	m.scaleEnds(func(before *ask) { before.failed("", "scale: overtaken by another, to %d", a.workers) })
	m.log.Info("scaling", "from", m.target, "to", a.workers)
	m.target = a.workers
	m.waiting.scale = append(m.waiting.scale, a)
}

const mostWorkers = control.MaxWorkers

// reloadEnds tells those who wait for the reload, which succeeded if err is nil.
func (m *master) reloadEnds(err error) {
	for _, a := range m.waiting.reload {
		if err != nil {
			a.failed("the workers go on with the configuration they have", "reload: %v", err)
		} else {
			a.done("generation %d serves with %s", m.gen.n, plural(m.target, "worker"))
		}
	}
	m.waiting.reload, m.waiting.next = m.waiting.next, nil
	if err != nil { // and with it the one that was to follow
		for _, a := range m.waiting.reload {
			a.failed("the workers go on with the configuration they have", "reload: the one under way failed: %v", err)
		}
		m.waiting.reload = nil
		return
	}
	m.scaleEnds(func(a *ask) { a.failed("", "scale: overtaken by a reload") })
}

func (m *master) scaleEnds(tell func(*ask)) {
	for _, a := range m.waiting.scale {
		tell(a)
	}
	m.waiting.scale = nil
}

// scaleFailed is told that a worker of an empty slot could not start. The
// master goes on trying, as it would after TTIN.
func (m *master) scaleFailed(s *slot, err error) {
	if s.cur == nil {
		m.scaleEnds(func(a *ask) {
			a.failed("the master goes on trying; a smaller number ends that", "scale: worker %d could not start: %v", s.n, err)
		})
	}
}

// settle answers those whose outcome is reached.
func (m *master) settle() {
	if m.stopping {
		m.reloadEnds(errors.New("overtaken by a stop"))
		m.scaleEnds(func(a *ask) { a.failed("", "scale: overtaken by a stop") })
	} else if m.full() && !slices.ContainsFunc(m.byAge(), func(w *worker) bool { return w.slot.dropped }) {
		m.scaleEnds(func(a *ask) { a.done("%s", plural(m.target, "worker")) })
	}
}

// farewell answers those who waited for the end.
func (m *master) farewell() {
	close(m.gone)
	for _, a := range m.waiting.stop {
		if m.lost > 0 {
			a.failed("a longer --graceful-timeout lets them finish", "stopped, and %s did not finish", plural(m.lost, "request"))
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

// status is the answer to GET /status, but for what /proc knows.
func (m *master) status() *control.Status {
	s := &control.Status{
		Parked: m.sys.Parked(),
		Pid:    os.Getpid(), State: m.phase().String(), Started: m.began, Generation: m.gen.n, Wanted: m.target, Note: m.note,
	}
	for _, l := range m.addr {
		s.Listen = append(s.Listen, l.Addr)
	}
	now := m.now()
	s.Uptime = now.Sub(m.began)
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

// asker is the loop as the control socket sees it.
type asker struct{ m *master }

func (c asker) ask(ctx context.Context, a *ask) (outcome, error) {
	select {
	case c.m.asks <- a:
	case <-c.m.gone:
		return outcome{}, control.Failed("", "%s: the master has stopped", a.verb)
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
	select {
	case o := <-a.reply:
		return o, o.err
	case <-ctx.Done(): // the client has gone; what it asked for goes on
		return outcome{}, ctx.Err()
	}
}

func (c asker) Status(ctx context.Context) (*control.Status, error) {
	o, err := c.ask(ctx, newAsk("status"))
	return o.status, err
}

func (c asker) Reload(ctx context.Context) (string, error) {
	o, err := c.ask(ctx, newAsk("reload"))
	return o.said, err
}

func (c asker) Upgrade(ctx context.Context) (string, error) {
	o, err := c.ask(ctx, newAsk("upgrade"))
	return o.said, err
}

func (c asker) Scale(ctx context.Context, workers int) (string, error) {
	a := newAsk("scale")
	a.workers = workers
	o, err := c.ask(ctx, a)
	return o.said, err
}

func (c asker) Stop(ctx context.Context, quick bool) (string, error) {
	a := newAsk("stop")
	a.quick = quick
	o, err := c.ask(ctx, a)
	return o.said, err
}

// startControl opens the control socket. A master without one serves as well,
// so what is wrong with it is a warning.
func startControl(path string, m *master, clients int) *control.Server {
	s, err := control.Serve(path, asker{m}, clients, m.log)
	if err != nil {
		m.log.Warn("no control socket; narwhal status, reload, scale and stop cannot reach this master, signals can",
			"error", err, "hint", "name another place with --control-socket PATH, or say --control-socket off")
		return nil
	}
	m.log.Info("control socket", "path", s.Path)
	return s
}
