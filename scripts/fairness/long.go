package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

const (
	longText    = 700_000 // bytes
	longWorkers = 2
	shortRate   = 50 // short texts a second
)

// crowd is how many clients send long texts at the same time, and how long those are.
type crowd struct{ clients, size int }

// long measures how long short texts wait while each of two workers computes a long one,
// also if more long ones wait, and how much longer the long ones take because of that. A
// worker that does not interrupt a long text makes short ones wait for all of it.
func long(ctx context.Context, o options) error {
	for _, c := range o.classes() {
		for _, w := range []crowd{{longWorkers, longText}, {4 * longWorkers, 250_000}} {
			if err := longOf(ctx, o, c, w); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

func longOf(ctx context.Context, o options, c class, w crowd) (err error) {
	s, err := server.Start(ctx, o.program, longWorkers, c.args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	short := bench.Options{URL: "http://" + s.Addr + "/", Texts: []string{"Angela Merkel was born in Hamburg."}}
	calm, err := waiting.Run(ctx, waiting.OpenLoop(short, shortRate, o.time/3))
	if err != nil {
		return err
	}
	alone, err := longTimes(ctx, s, w, o.time/3, nil)
	if err != nil {
		return err
	}
	var beside *bench.Report
	both, err := longTimes(ctx, s, w, o.time, func(ctx context.Context) (err error) {
		beside, err = waiting.Run(ctx, waiting.OpenLoop(short, shortRate, o.time))
		return err
	})
	if err != nil {
		return err
	}
	if n := beside.Failed() + beside.Dropped; n > 0 {
		return fmt.Errorf("%d short requests failed: %v", n, beside.FirstError)
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	fmt.Printf("%s\n  short texts, %d a second: p50 %.1f, p99 %.1f ms alone; beside %d texts of %d kB p50 %.1f, p99 %.1f, slowest %.1f ms\n",
		c.name, shortRate, ms(calm.Percentile(50)), ms(calm.Percentile(99)), w.clients, w.size/1000, ms(beside.Percentile(50)), ms(beside.Percentile(99)), ms(beside.Percentile(100)))
	fmt.Printf("  long texts: %.0f ms alone, %.0f ms beside the short ones (%.2f times; medians of %d and %d)\n",
		ms(stats.Median(alone)), ms(stats.Median(both)), float64(stats.Median(both))/float64(stats.Median(alone)), len(alone), len(both))
	return nil
}

// longTimes has a crowd of clients send long texts for a time, each the next one as soon as the
// last is answered. It returns how long each took. It calls beside, if it is set, at the
// same time, and waits for it.
func longTimes(ctx context.Context, s *server.Server, w crowd, length time.Duration, beside func(context.Context) error) ([]time.Duration, error) {
	times := make([][]time.Duration, w.clients)
	errs := make([]error, w.clients+1)
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for i := range times {
		all.Go(func() {
			c := &client.Client{Network: "tcp", Addr: s.Addr, Timeout: answerTime}
			defer c.Close()
			for time.Now().Before(end) && errs[i] == nil {
				began := time.Now()
				_, errs[i] = c.Ask(ctx, request(w.size, false))
				times[i] = append(times[i], time.Since(began))
			}
		})
	}
	if beside != nil {
		all.Go(func() { errs[w.clients] = beside(ctx) })
	}
	all.Wait()
	return slices.Concat(times...), errors.Join(errs...)
}
