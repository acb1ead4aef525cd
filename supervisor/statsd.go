package supervisor

import (
	"context"
	"log/slog"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/statsd"
)

const (
	statsdEvery = time.Second // how often the numbers are sent
	statsdQuiet = time.Minute // between two warnings

	// statsdTimes is how many durations are sent at once. If there were more requests, one
	// stands for several.
	statsdTimes = 100
)

// pusher sends the numbers to a statsd server, under Gunicorn's names. It has a goroutine
// of its own, so a server that is away holds up neither the loop nor a worker.
type pusher struct {
	inbox
	to     *statsd.Sender
	addr   statsd.Addr
	log    *slog.Logger
	before metrics.Totals // what was sent; nil: nothing yet
	warned time.Time
	done   chan struct{} // closed when all was sent
}

// startPusher starts a pusher. It returns nil if the options name no server.
func startPusher(o Options, in inbox) (*pusher, error) {
	if o.Statsd == "" {
		return nil, nil
	}
	addr, err := statsd.Parse(o.Statsd, o.Dir)
	if err != nil {
		return nil, err
	}
	p := &pusher{inbox: in, to: statsd.New(addr, o.StatsdPrefix), addr: addr, log: o.Log, done: make(chan struct{})}
	go p.run()
	return p, nil
}

// wait waits until the pusher has sent the last numbers, which it does when the loop has
// ended. A nil *pusher is valid.
func (p *pusher) wait() {
	if p != nil {
		<-p.done
	}
}

func (p *pusher) run() {
	defer close(p.done)
	defer p.to.Close()
	t := time.NewTicker(statsdEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.ask()
		case <-p.gone:
			select {
			case s := <-p.last:
				p.push(s)
			default: // the loop has failed to begin
			}
			return
		}
	}
}

// ask asks the loop for the numbers and sends them. A new master does not tell them before
// it has taken over.
func (p *pusher) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	if s, err := (asker{p.inbox}).scrape(ctx); err == nil {
		p.push(s)
	}
}

// push sends what was counted since the last time. After the hand-over to a new master
// nothing more is counted here, and the gauges are the new master's.
func (p *pusher) push(s *scrape) {
	if p.before == nil {
		p.before = s.inherited
	}
	addCounts(p.to, s.totals.Since(p.before))
	p.before = s.totals
	if !s.handedOver {
		workers := 0.0
		for _, state := range metrics.States {
			workers += s.gauges[metrics.Key(metrics.Workers, state)]
		}
		p.to.Gauge("gunicorn.workers", workers)
	}
	if err := p.to.Flush(); err != nil && time.Since(p.warned) > statsdQuiet {
		p.warned = time.Now()
		logevent.StatsdFailed.Log(p.log, "cannot send metrics to statsd; what was counted meanwhile is not sent later", "address", p.addr.String(), "error", err,
			"hint", "start the statsd server, or correct --statsd-host")
	}
}

// addCounts adds what was counted since the last time, under Gunicorn's names.
func addCounts(to *statsd.Sender, t metrics.Totals) {
	var all float64
	codes := map[string]float64{}
	for _, c := range t.Counters(metrics.Find(metrics.RequestsTotal)) {
		all += c.Number
		codes[c.Values[2]] += c.Number
	}
	to.Count("gunicorn.requests", uint64(all))
	for code, n := range codes {
		to.Count("gunicorn.request.status."+code, uint64(n))
	}
	for _, c := range t.Counters(metrics.Find(metrics.LogTotal)) {
		to.Count("gunicorn.log."+c.Values[0], uint64(c.Number))
	}
	addTimes(to, t.Histograms(metrics.Find(metrics.RequestDuration)))
}

// addTimes adds the durations of requests. Only the numbers of the buckets are known, so
// the durations of a bucket are spread evenly over it, as Prometheus' histogram_quantile
// does. Those above the last edge have the last edge.
func addTimes(to *statsd.Sender, all []metrics.Histogram) {
	var buckets []uint64 // of all routes; the last one has what is larger than all edges
	var sum uint64
	for i := range len(metrics.Edges) + 1 {
		var n uint64
		for _, h := range all {
			upTo := h.Count
			if i < len(metrics.Edges) {
				upTo = h.Buckets[metrics.Edges[i].Seconds()]
			}
			n += upTo
			if i > 0 {
				n -= h.Buckets[metrics.Edges[i-1].Seconds()]
			}
		}
		buckets = append(buckets, n)
		sum += n
	}
	each := (sum + statsdTimes - 1) / statsdTimes // requests that one duration stands for, at most
	for i, n := range buckets {
		if n == 0 {
			continue
		}
		var from time.Duration
		if i > 0 {
			from = metrics.Edges[i-1]
		}
		upTo := metrics.Edges[min(i, len(metrics.Edges)-1)]
		lines := (n + each - 1) / each
		for k := range lines {
			at := (float64(k) + 0.5) / float64(lines)
			to.Time("gunicorn.request.duration", from+time.Duration(at*float64(upTo-from)), float64(lines)/float64(n))
		}
	}
}
