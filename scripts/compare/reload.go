package main

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"
)

// probeEvery is how often a request is sent during a reload: less than half of
// what the slowest server can do.
const probeEvery = 25 * time.Millisecond

// reload is what requests met while a server replaced its workers.
type reload struct {
	name   string
	probes []probe
}

// probe is one request.
type probe struct {
	at      float64 // seconds after HUP; before it if negative
	seconds float64
	failed  bool
}

func (h *harness) reloads(ctx context.Context) error {
	for _, k := range kinds {
		if !k.reload {
			continue
		}
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

// reloadOne sends a request every probeEvery, answered or not, and HUP after a quarter of the time.
func (h *harness) reloadOne(ctx context.Context, k kind) (*reload, error) {
	s, err := h.startServer(ctx, k, sweepWorkers, false)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if _, err := h.benchTrial(ctx, s.url, load{first: 0, count: 1}, 10*sweepWorkers); err != nil {
		return nil, err
	}

	r := &reload{name: k.name}
	var mu sync.Mutex
	var running sync.WaitGroup
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	began := time.Now()
	signal := began.Add(h.plan.reload / 4)
	sent := false
	for now := began; now.Sub(began) < h.plan.reload; {
		if !sent && !now.Before(signal) {
			sent, signal = true, now
			if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				return nil, err
			}
		}
		running.Go(func() {
			start := time.Now()
			_, err := get(ctx, s.url, h.texts[0])
			p := probe{seconds: time.Since(start).Seconds(), failed: err != nil}
			mu.Lock()
			defer mu.Unlock()
			p.at = float64(start.UnixNano()) / 1e9 // the time of HUP is taken off below
			r.probes = append(r.probes, p)
		})
		select {
		case <-ctx.Done():
			running.Wait()
			return nil, ctx.Err()
		case now = <-tick.C:
		}
	}
	running.Wait()
	for i := range r.probes {
		r.probes[i].at -= float64(signal.UnixNano()) / 1e9
	}
	slices.SortFunc(r.probes, func(a, b probe) int {
		if a.at < b.at {
			return -1
		}
		return 1
	})
	return r, nil
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
