package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

// queueLoad is the part of a server's own capacity at which its waiting times are compared
// with those of an ideal queue. At calmLoad hardly two requests run at the same time, so
// their time is not waiting.
const (
	queueLoad = 0.7
	calmLoad  = 0.05
)

// queue has the times of one server at queueLoad, and those of an ideal queue. The report
// shows the trial with the median ratio.
type queue struct {
	name       string
	paragraphs int // length of the text
	waiting.Figures
	calmP50, calmP99 float64 // seconds, at calmLoad
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
				sweepWorkers, i+1, h.plan.queueTrials, q.name, queueLoad*100, q.Capacity, q.paragraphs, q.P99*1000, q.IdealP99*1000, calmLoad*100, q.calmP99*1000, q.Failed)
		}
	}
	for _, all := range trials {
		h.results.queues = append(h.results.queues, middle(all))
	}
	return nil
}

// middle returns the trial with the median ratio, with the failures of all trials.
func middle(all []queue) queue {
	slices.SortFunc(all, func(a, b queue) int { return cmp.Compare(a.Ratio(), b.Ratio()) })
	m := all[(len(all)-1)/2]
	m.Failed = 0
	for _, q := range all {
		m.Failed += q.Failed
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
	if q.Figures, err = waiting.Measure(ctx, o, sweepWorkers, queueLoad, h.plan.queue); err != nil {
		return err
	}
	r, err := waiting.Run(ctx, waiting.OpenLoop(o, calmLoad*q.Capacity, h.plan.queue))
	if err != nil {
		return err
	}
	q.calmP50, q.calmP99 = r.Percentile(50).Seconds(), r.Percentile(99).Seconds()
	q.Failed += r.Failed() + r.Dropped
	return nil
}
