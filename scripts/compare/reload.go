package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// probeEvery is the time between two requests during a reload. That is less than half of
// the requests that the slowest server can answer.
const probeEvery = 50 * time.Millisecond

// reload has the requests that were sent while a server replaced its workers.
type reload struct {
	name   string
	probes []probe
}

// probe is one request.
type probe struct {
	at      float64 // when it was due, in seconds after HUP; negative before HUP
	seconds float64 // from when it was due to the answer
	failed  bool
}

func (h *harness) reloads(ctx context.Context) error {
	for _, k := range kinds {
		r, err := h.reloadOne(ctx, k)
		if err != nil {
			return err
		}
		h.results.reloads = append(h.results.reloads, *r)
		worst, failed := r.worst()
		h.step("reload    w=%d  %-24s slowest request %.0f ms, %d of %d failed", sweepWorkers, k.name, worst*1000, failed, len(r.probes))
	}
	return nil
}

// reloadOne sends a request every probeEvery, without waiting for answers, and HUP after a
// quarter of them. Time counts from when a request was due, so a request that this program
// sends late, because the machine is busy, counts as late.
func (h *harness) reloadOne(ctx context.Context, k kind) (*reload, error) {
	s, err := h.startServer(ctx, k, sweepWorkers, false)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if _, err := h.benchTrial(ctx, s.url, load{first: 0, count: 1}, 10*sweepWorkers); err != nil {
		return nil, err
	}

	r := &reload{name: k.name, probes: make([]probe, h.plan.reload/probeEvery)}
	var running sync.WaitGroup
	began, first := time.Now(), len(r.probes)/4
	for i := range r.probes {
		due := began.Add(time.Duration(i) * probeEvery)
		select {
		case <-ctx.Done():
			running.Wait()
			return nil, ctx.Err()
		case <-time.After(time.Until(due)):
		}
		if i == first {
			if err := s.proc.Signal(syscall.SIGHUP); err != nil {
				running.Wait()
				return nil, fmt.Errorf("HUP to %s: %w", k.name, err)
			}
		}
		running.Go(func() {
			_, err := s.ask(ctx, h.texts[0])
			at := time.Duration(i-first) * probeEvery
			r.probes[i] = probe{at.Seconds(), time.Since(due).Seconds(), err != nil}
		})
	}
	running.Wait()
	return r, ctx.Err()
}

func (r *reload) worst() (seconds float64, failed int) {
	for _, p := range r.probes {
		if p.failed {
			failed++
		} else {
			seconds = max(seconds, p.seconds)
		}
	}
	return seconds, failed
}
