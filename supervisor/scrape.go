package supervisor

import (
	"context"
	"os"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// scrape is what /metrics and the live page show, at one moment.
type scrape struct {
	totals metrics.Totals
	gauges map[string]float64 // by metrics.Key
	pids   []int              // of the master and its workers
	model  string             // of the workers
	queues []queue            // of the listening sockets
	start  float64            // when the master was started, in seconds since 1970

	inherited  metrics.Totals // what the masters before this one had counted when it took over
	handedOver bool           // it is of the hand-over to a new master
}

// scrape returns the numbers of this moment. After the hand-over to a new master it returns
// those of the hand-over: the new master's numbers begin with them, so a client that has
// asked both never sees a counter go back.
func (m *master) scrape() *scrape {
	if m.upgrade.handedOver {
		return m.upgrade.lastScrape
	}
	s := &scrape{totals: m.totals(), gauges: map[string]float64{}, pids: []int{os.Getpid()}, model: m.model, queues: m.lookAtQueues(), start: float64(m.boot.began.UnixNano()) / 1e9,
		inherited: m.upgrade.took}
	add := func(n int, name string, labels ...string) {
		s.gauges[metrics.Key(append([]string{name}, labels...)...)] += float64(n)
	}
	add(m.target, metrics.WorkersWanted)
	add(m.gen.n, metrics.Generation)
	add(m.sys.Parked(), metrics.Parked)
	if m.ready.Load() {
		add(1, metrics.Ready)
	}
	for _, q := range s.queues {
		add(q.Waiting, metrics.AcceptQueue, q.Address)
		add(q.Limit, metrics.AcceptLimit, q.Address)
	}
	s.gauges[metrics.AcceptOldest] = m.oldestWait(s.queues).Seconds()
	for _, w := range m.workers {
		s.pids = append(s.pids, w.proc.Pid())
		b := w.proc.Status()
		add(1, metrics.Workers, w.state.String())
		add(b.Conns, metrics.Connections)
		add(b.InFlight, metrics.InFlight)
		add(b.Waiting, metrics.Waiting)
		add(b.Taken, metrics.PlacesTaken)
		if w.state != Ready {
			continue
		}
		add(b.Places, metrics.Places)
		if b.Taken > 0 {
			add(1, metrics.WorkersBusy)
		} else {
			add(1, metrics.WorkersIdle)
		}
	}
	return s
}

// scrape asks the loop for the numbers of this moment.
func (c asker) scrape(ctx context.Context) (*scrape, error) {
	o, err := c.ask(ctx, newAsk(commandMetrics))
	return o.scrape, err
}
