package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

const (
	idleWorkers = 4
	idleClients = 16
	idleText    = 20_000 // bytes
	idleAtMost  = 0.01   // limit: part of the workers' time
	lookEvery   = 5 * time.Millisecond
)

// idle measures how long a worker is idle while a request waits in another worker. 16
// clients send requests, each the next one as soon as the last is answered.
func idle(ctx context.Context, o options) error {
	var errs []error
	for _, c := range o.classes() {
		seen, told, err := idleOf(ctx, o, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("%-20s  %.2f %% by the workers' own count, %.2f %% of looks found it\n", c.name, told*100, seen*100)
		if told >= idleAtMost {
			errs = append(errs, fmt.Errorf("%s: a worker idled for %.1f %% of the time while a request waited elsewhere: want less than %.0f %%", c.name, told*100, idleAtMost*100))
		}
	}
	return errors.Join(errs...)
}

// idleOf asks the master for its status every lookEvery. seen is the share of the answers
// in which one worker is idle and another has at least two requests. told is the share of
// the time by the workers' own counters.
func idleOf(ctx context.Context, o options, c class) (seen, told float64, err error) {
	s, err := server.Start(ctx, o.program, idleWorkers, c.args...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := closedLoop(ctx, s, idleClients, idleText, o.time)
		done <- err
	}()
	looks, found := 0, 0
	for {
		select {
		case err := <-done:
			if err != nil {
				return 0, 0, err
			}
			told, err = missed(ctx, s, time.Since(began))
			return float64(found) / float64(max(1, looks)), told, err
		case <-time.After(lookEvery):
		}
		status, err := s.Master.Status(ctx)
		if err != nil {
			return 0, 0, err
		}
		least, most := status.Workers[0].InFlight, 0
		for _, w := range status.Workers {
			least, most = min(least, w.InFlight), max(most, w.InFlight)
		}
		looks++
		if least == 0 && most > 1 {
			found++
		}
	}
}

// missed returns the share of the workers' time in which they were idle while a request
// waited in another worker, by the workers' own counters.
func missed(ctx context.Context, s *server.Server, of time.Duration) (float64, error) {
	status, err := s.Master.Status(ctx)
	if err != nil {
		return 0, err
	}
	var all time.Duration
	for _, w := range status.Workers {
		all += w.Missed
	}
	return float64(all) / float64(of*time.Duration(len(status.Workers))), nil
}
