// Package waiting measures how long requests wait at a part of what a server can do, and
// computes how long they would wait in an ideal queue.
package waiting

import (
	"context"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// Figures has the times of one server, and those of an ideal queue with the same arrivals:
// a single queue in front of all workers, with equal service times.
type Figures struct {
	Capacity           float64 // requests a second, with four connections for each worker
	Requests           int
	P50, P99           float64 // seconds from when the request was due
	IdealP50, IdealP99 float64
	Failed             int
}

// Ratio returns the p99 divided by that of the ideal queue.
func (f Figures) Ratio() float64 { return f.P99 / f.IdealP99 }

// Measure sends as many requests as a server with so many workers can answer, for half of
// the time d, and then a part of this number at random times, for d. o has the address and
// the text.
func Measure(ctx context.Context, o bench.Options, workers int, part float64, d time.Duration) (f Figures, err error) {
	o.DisableKeepAlive, o.Drain = true, time.Second
	full := o
	full.Connections, full.Duration = 4*workers, d/2
	r, err := Run(ctx, full)
	if err != nil {
		return f, err
	}
	if r.OK == 0 {
		return f, fmt.Errorf("no right answer: %v", r.FirstError)
	}
	f.Capacity = r.PerSecond()
	o = OpenLoop(o, part*f.Capacity, d)
	if r, err = Run(ctx, o); err != nil {
		return f, err
	}
	f.Requests, f.Failed = r.Requests, r.Failed()+r.Dropped
	f.P50, f.P99 = r.Percentile(50).Seconds(), r.Percentile(99).Seconds()
	service := time.Duration(float64(workers) / f.Capacity * float64(time.Second))
	ideal := bench.IdealQueue(bench.EqualWorkers(workers, service), o.Rate, o.Seed, max(1, r.Requests))
	f.IdealP50, f.IdealP99 = stats.Quantile(ideal, 0.50).Seconds(), stats.Quantile(ideal, 0.99).Seconds()
	return f, nil
}

// inFlight is how many requests OpenLoop has unanswered at most.
const inFlight = 10000

// OpenLoop returns o with requests at random times, the same times for every server.
func OpenLoop(o bench.Options, rate float64, d time.Duration) bench.Options {
	o.Rate, o.Duration, o.MaxInFlight, o.Seed = rate, d, inFlight, 1
	return o
}

// Run is bench.Run, but fails if ctx has ended.
func Run(ctx context.Context, o bench.Options) (*bench.Report, error) {
	r, err := bench.Run(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	return r, err
}
