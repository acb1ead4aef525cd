package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
)

// queueLoad is the part of a server's own capacity at which its waiting times
// are compared with those of an ideal queue.
const queueLoad = 0.7

// queue is the waiting of one server at queueLoad, and that of a single queue
// with equal service times in front of all workers, at the same arrivals. Of
// several trials it is the one whose ratio is the median.
type queue struct {
	name               string
	capacity           float64 // requests a second
	p50, p99           float64 // seconds from when the request was due
	idealP50, idealP99 float64
	failed             int
}

// queues does so for both kinds of narwhal and the best server in Python. All
// send the paragraph, so that service times are equal.
func (h *harness) queues(ctx context.Context) error {
	best, _ := h.best(true, sweepKey)
	trials := map[string][]queue{}
	for i := range h.plan.queueTrials {
		for _, k := range kinds {
			if k.python && k.name != best {
				continue
			}
			q, err := h.queueOne(ctx, k)
			if err != nil {
				return fmt.Errorf("queue, %s: %w", k.name, err)
			}
			trials[k.name] = append(trials[k.name], *q)
			h.step("queue     w=%d  trial %d/%d  %-24s %.0f %% of %.1f requests/s: p99 %.1f ms, of an ideal queue %.1f ms, %d failed",
				sweepWorkers, i+1, h.plan.queueTrials, k.name, queueLoad*100, q.capacity, q.p99*1000, q.idealP99*1000, q.failed)
		}
	}
	for _, k := range kinds {
		if all := trials[k.name]; len(all) > 0 {
			h.results.queues = append(h.results.queues, middle(all))
		}
	}
	return nil
}

// ratio is how many times longer than in an ideal queue the p99 is.
func (q queue) ratio() float64 { return q.p99 / q.idealP99 }

// middle gives the trial with the median ratio, and the failures of all.
func middle(all []queue) queue {
	slices.SortFunc(all, func(a, b queue) int { return cmp.Compare(a.ratio(), b.ratio()) })
	m := all[(len(all)-1)/2]
	m.failed = 0
	for _, q := range all {
		m.failed += q.failed
	}
	return m
}

func (h *harness) queueOne(ctx context.Context, k kind) (*queue, error) {
	s, err := h.startServer(ctx, k, sweepWorkers, false)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	o := bench.Options{URL: s.url, DisableKeepAlive: true, Drain: time.Second}
	full := o
	full.Connections, full.Duration = 4*sweepWorkers, h.plan.queue/2
	r, err := run1(ctx, full)
	if err != nil {
		return nil, err
	}
	q := &queue{name: k.name, capacity: r.PerSecond()}
	if r.OK == 0 {
		return nil, fmt.Errorf("no right answer: %v", r.FirstError)
	}
	o.Rate, o.Duration, o.MaxInFlight, o.Seed = queueLoad*q.capacity, h.plan.queue, 10000, 1
	if r, err = run1(ctx, o); err != nil {
		return nil, err
	}
	q.p50, q.p99, q.failed = r.Percentile(50).Seconds(), r.Percentile(99).Seconds(), r.Failed()+r.Dropped
	service := time.Duration(sweepWorkers / q.capacity * float64(time.Second))
	ideal := bench.IdealQueue(sweepWorkers, service, o.Rate, o.Seed, max(1, r.Requests))
	q.idealP50, q.idealP99 = at(ideal, 50).Seconds(), at(ideal, 99).Seconds()
	return q, nil
}

// at gives a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

// run1 is bench.Run whose end from outside is an error too.
func run1(ctx context.Context, o bench.Options) (*bench.Report, error) {
	r, err := bench.Run(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	return r, err
}
