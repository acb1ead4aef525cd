package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
)

const (
	loadWorkers = 4
	loadShare   = 0.7
	loadRuns    = 3
)

// load measures how long requests wait at 70 % load and prints it beside what
// one ideal queue would give: four sync workers that wait 20 ms for each request,
// requests at random times, and a simulated M/D/4 queue with the service time of
// an idle server. A server whose workers have queues of their own waits several
// times longer at the same load.
func load(ctx context.Context, of options) (err error) {
	s, err := start(ctx, of.program, loadWorkers, "--delay", "20ms")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	o := bench.Options{URL: "http://" + s.addr + "/", Texts: []string{"x"}, DisableKeepAlive: true}
	alone := o
	alone.Connections, alone.Requests = 1, 200
	r, err := measure(ctx, alone)
	if err != nil {
		return err
	}
	service := time.Duration(r.Service.ValueAtQuantile(50))
	rate := loadShare * loadWorkers / service.Seconds()
	fmt.Printf("%d sync workers, service time %.2f ms, %.1f requests/s = %.0f %% load, %v a run\n",
		loadWorkers, ms(service), rate, loadShare*100, of.time)
	fmt.Println("run   p50 ms   p99 ms   simulated p50   p99   ratio of p99")
	for i := range loadRuns {
		o.Rate, o.Duration, o.MaxInFlight, o.Seed = rate, of.time, 10000, uint64(i+1)
		r, err := measure(ctx, o)
		if err != nil {
			return err
		}
		ideal := bench.IdealQueue(bench.EqualWorkers(loadWorkers, service), rate, uint64(i+1), 1_000_000)
		p50, p99 := ideal[len(ideal)/2], ideal[len(ideal)*99/100]
		got := time.Duration(r.Response.ValueAtQuantile(99))
		fmt.Printf("%3d  %7.1f  %7.1f  %14.1f  %4.1f   %.2f\n",
			i+1, ms(time.Duration(r.Response.ValueAtQuantile(50))), ms(got), ms(p50), ms(p99), float64(got)/float64(p99))
	}
	return nil
}

func measure(ctx context.Context, o bench.Options) (*bench.Report, error) {
	r, err := bench.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if r.OK != r.Requests {
		return nil, fmt.Errorf("%d of %d requests failed: %v", r.Requests-r.OK, r.Requests, r.FirstError)
	}
	return r, nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
