package main

import (
	"context"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
)

// sweepWorkers is with how many workers the servers below run.
const sweepWorkers = 2

// sweep is the latency of one server as the load rises.
type sweep struct {
	name     string
	capacity float64 // requests a second
	points   []point
}

type point struct {
	rate, answered float64 // requests a second: sent at random times, and answered
	p50, p99       float64 // seconds from when the request was due
	failed         int     // or not sent, because openInFlight were unanswered
}

// sweepKey is the load whose result says how much a server can do, and which is best.
var sweepKey = cellKey{workers: sweepWorkers, client: "narwhal bench", texts: "different texts"}

// sweeps loads narwhal and the best server in Python, each up to more than its capacity.
func (h *harness) sweeps(ctx context.Context) error {
	for _, python := range []bool{true, false} {
		name, c := h.best(python, sweepKey)
		s := sweep{name: name, capacity: 1000 / c.seconds}
		if err := h.sweepOne(ctx, &s); err != nil {
			return err
		}
		h.results.sweeps = append(h.results.sweeps, s)
	}
	return nil
}

func (h *harness) sweepOne(ctx context.Context, s *sweep) error {
	srv, err := h.startServer(ctx, kindOf(s.name), sweepWorkers, false)
	if err != nil {
		return err
	}
	defer srv.stop()
	for _, part := range h.plan.sweepLoads {
		o := openLoop(bench.Options{
			URL: srv.url, Texts: h.texts[1:], Timeout: 30 * time.Second, Drain: time.Second, DisableKeepAlive: true,
		}, part*s.capacity, h.plan.sweep)
		r, err := run1(ctx, o)
		if err != nil {
			return fmt.Errorf("open loop, %s: %w", s.name, err)
		}
		p := point{o.Rate, r.PerSecond(), r.Percentile(50).Seconds(), r.Percentile(99).Seconds(), r.Failed() + r.Dropped}
		s.points = append(s.points, p)
		h.step("sweep     w=%d  %-24s %.0f requests/s, %.0f %%: p50 %.1f ms, p99 %.1f ms, %d failed",
			sweepWorkers, s.name, p.rate, part*100, p.p50*1000, p.p99*1000, p.failed)
	}
	return nil
}

// openInFlight is how many requests of an open loop may be unanswered at a time:
// more than any load here makes, so that a client that gave up counts in no server's
// failures, and in no server's favour.
const openInFlight = 10000

// openLoop makes o send at random times, the same for every server.
func openLoop(o bench.Options, rate float64, d time.Duration) bench.Options {
	o.Rate, o.Duration, o.MaxInFlight, o.Seed = rate, d, openInFlight, 1
	return o
}

func kindOf(name string) kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	panic("no server is called " + name)
}
