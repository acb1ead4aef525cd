package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// queueLoad is the part of a server's own capacity at which its waiting times are compared
// with those of an ideal queue. At calmLoad hardly two requests run at the same time, so
// their time is not waiting.
const (
	queueLoad = 0.7
	calmLoad  = 0.05
)

// queue has the times of one server at queueLoad, and those of an ideal queue with the
// same arrivals: a single queue in front of all workers, with equal service times. The
// report shows the trial with the median ratio.
type queue struct {
	name               string
	paragraphs         int     // length of the text
	capacity           float64 // requests a second
	p50, p99           float64 // seconds from when the request was due
	calmP50, calmP99   float64 // the same at calmLoad
	idealP50, idealP99 float64
	failed             int
}

// longText is a number of paragraphs that takes narwhal about as long as one paragraph
// takes a server in Python. With one paragraph, a good part of narwhal's measured time is
// the client's, because client and server share the processors.
const longText = 12

// queues measures the best server in Python with one paragraph, and both modes of narwhal
// with one paragraph and with longText of them. All requests of a measurement have the
// same text, so that their service times are equal.
func (h *harness) queues(ctx context.Context) error {
	best, _ := h.best(true, sweepKey)
	cases := []queue{{name: best, paragraphs: 1}}
	for _, paragraphs := range []int{1, longText} {
		for _, k := range kinds {
			if !k.python {
				cases = append(cases, queue{name: k.name, paragraphs: paragraphs})
			}
		}
	}
	trials := make([][]queue, len(cases))
	for i := range h.plan.queueTrials {
		for c, q := range cases {
			if err := h.queueOne(ctx, &q); err != nil {
				return fmt.Errorf("queue, %s: %w", q.name, err)
			}
			trials[c] = append(trials[c], q)
			h.step("queue     w=%d  trial %d/%d  %-24s %.0f %% of %.1f requests/s of %d paragraphs: p99 %.1f ms, of an ideal queue %.1f ms, at %.0f %% %.1f ms, %d failed",
				sweepWorkers, i+1, h.plan.queueTrials, q.name, queueLoad*100, q.capacity, q.paragraphs, q.p99*1000, q.idealP99*1000, calmLoad*100, q.calmP99*1000, q.failed)
		}
	}
	for _, all := range trials {
		h.results.queues = append(h.results.queues, middle(all))
	}
	return nil
}

// ratio returns the p99 divided by that of the ideal queue.
func (q queue) ratio() float64 { return q.p99 / q.idealP99 }

// middle returns the trial with the median ratio, with the failures of all trials.
func middle(all []queue) queue {
	slices.SortFunc(all, func(a, b queue) int { return cmp.Compare(a.ratio(), b.ratio()) })
	m := all[(len(all)-1)/2]
	m.failed = 0
	for _, q := range all {
		m.failed += q.failed
	}
	return m
}

// queueOne measures the server and the text that q names, and fills in the rest of q.
func (h *harness) queueOne(ctx context.Context, q *queue) error {
	s, err := h.startServer(ctx, kindOf(q.name), sweepWorkers, false)
	if err != nil {
		return err
	}
	defer s.stop()
	text := strings.TrimSpace(strings.Repeat(bench.Paragraph+" ", q.paragraphs))
	o := bench.Options{URL: s.url, Texts: []string{text}, DisableKeepAlive: true, Drain: time.Second}
	full := o
	full.Connections, full.Duration = 4*sweepWorkers, h.plan.queue/2
	r, err := run1(ctx, full)
	if err != nil {
		return err
	}
	q.capacity = r.PerSecond()
	if r.OK == 0 {
		return fmt.Errorf("no right answer: %v", r.FirstError)
	}
	o = openLoop(o, queueLoad*q.capacity, h.plan.queue)
	if r, err = run1(ctx, o); err != nil {
		return err
	}
	q.p50, q.p99, q.failed = r.Percentile(50).Seconds(), r.Percentile(99).Seconds(), r.Failed()+r.Dropped
	service := time.Duration(sweepWorkers / q.capacity * float64(time.Second))
	ideal := bench.IdealQueue(bench.EqualWorkers(sweepWorkers, service), o.Rate, o.Seed, max(1, r.Requests))
	q.idealP50, q.idealP99 = stats.Quantile(ideal, 0.50).Seconds(), stats.Quantile(ideal, 0.99).Seconds()
	o.Rate = calmLoad * q.capacity
	if r, err = run1(ctx, o); err != nil {
		return err
	}
	q.calmP50, q.calmP99 = r.Percentile(50).Seconds(), r.Percentile(99).Seconds()
	q.failed += r.Failed() + r.Dropped
	return nil
}

// run1 is bench.Run, but fails if ctx has ended.
func run1(ctx context.Context, o bench.Options) (*bench.Report, error) {
	r, err := bench.Run(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	return r, err
}
