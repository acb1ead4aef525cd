package main

import (
	"context"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

// sweepWorkers is the number of workers in the measurements of rising load, of queues and
// of reloads.
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
	failed         int     // failed, or not sent because too many were unanswered
}

// sweepKey is the load that tells a server's capacity, and which server is best.
var sweepKey = cellKey{workers: sweepWorkers, client: "narwhal bench", texts: "different texts"}

// sweeps measures the best server in Python and narwhal with loads up to more than their
// capacity.
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
		o := waiting.OpenLoop(bench.Options{
			URL: srv.url, Texts: h.texts[1:], Timeout: 30 * time.Second, Drain: time.Second, DisableKeepAlive: true,
		}, part*s.capacity, h.plan.sweep)
		r, err := waiting.Run(ctx, o)
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

func kindOf(name string) kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	panic("no server is called " + name)
}
