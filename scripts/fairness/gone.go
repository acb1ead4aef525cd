package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

const (
	goneWorkers = 2
	goneTrials  = 20
	goneAtMost  = 10 * time.Millisecond // limit: of the median
)

// gone measures how much processor time a worker takes for a long text after its client has
// closed the connection: at once, when the worker has just received the request, and later,
// at moments that are spread over the first two thirds of the computation.
func gone(ctx context.Context, o options) error {
	fmt.Printf("%-20s  %28s  %28s\n", fmt.Sprintf("text of %d kB", longText/1000), "at once, ms", "later, ms")
	var errs []error
	for _, c := range o.classes() {
		once, later, err := goneOf(ctx, o, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("%-20s  %28s  %28s\n", c.name, spread(once), spread(later))
		if worst := max(stats.Median(once), stats.Median(later)); worst > goneAtMost {
			errs = append(errs, fmt.Errorf("%s: %v of processor time after a client has gone: want at most %v", c.name, worst, goneAtMost))
		}
	}
	return errors.Join(errs...)
}

// spread returns the median and the range of some times in milliseconds.
func spread(of []time.Duration) string {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	return fmt.Sprintf("median %.1f, %.1f to %.1f", ms(stats.Median(of)), ms(slices.Min(of)), ms(slices.Max(of)))
}

func goneOf(ctx context.Context, o options, c class) (once, later []time.Duration, err error) {
	s, err := server.Start(ctx, o.program, goneWorkers, append([]string{"--timeout", answerTime.String()}, c.args...)...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	workers := s.Pids()[1:] // the master's time is that of asking for its status
	whole := time.Duration(0)
	for range 3 {
		before := proc.Clock(workers...)
		one := &client.Client{Network: "tcp", Addr: s.Addr, Timeout: answerTime}
		if _, err := one.Ask(ctx, request(longText, false)); err != nil {
			return nil, nil, err
		}
		if took := proc.Clock(workers...) - before; whole == 0 || took < whole {
			whole = took
		}
	}
	for i := range goneTrials {
		t, err := goneTime(ctx, s, workers, 0)
		if err != nil {
			return nil, nil, err
		}
		once = append(once, t)
		if t, err = goneTime(ctx, s, workers, whole*2/3*time.Duration(i+1)/goneTrials); err != nil {
			return nil, nil, err
		}
		later = append(later, t)
	}
	return once, later, nil
}

// goneTime sends a long text. It closes the connection when the workers have received it and
// have taken after of processor time. It returns how much they take from then until the
// request has ended.
func goneTime(ctx context.Context, s *server.Server, workers []int, after time.Duration) (time.Duration, error) {
	began := proc.Clock(workers...)
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := write(c, request(longText, false)); err != nil {
		return 0, err
	}
	if err := running(ctx, s, 1); err != nil {
		return 0, err
	}
	for proc.Clock(workers...)-began < after && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	before := proc.Clock(workers...)
	c.Close()
	if err := running(ctx, s, 0); err != nil {
		return 0, err
	}
	return proc.Clock(workers...) - before, nil
}

// running waits until the workers have n requests.
func running(ctx context.Context, s *server.Server, n int) error {
	for {
		status, err := s.Master.Status(ctx)
		if err != nil {
			return err
		}
		sum := 0
		for _, w := range status.Workers {
			sum += w.InFlight
		}
		if sum == n {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
