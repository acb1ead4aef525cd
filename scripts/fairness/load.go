package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

const (
	loadPart    = 0.7 // of the server's capacity
	loadWorkers = 2
)

// loadSizes are the lengths of the texts in bytes.
var loadSizes = []int{1000, 4000, 20_000, 100_000}

// load measures how long requests wait at 70 % of the server's capacity, and prints it
// beside an ideal queue: one queue in front of all workers. A server whose workers have
// queues of their own waits several times longer. There is no limit, because client and
// server share the processors, and the ideal queue has no client.
func load(ctx context.Context, o options) error {
	fmt.Printf("%-20s %8s %14s %9s %9s %9s %11s %6s\n", "", "text", "capacity, 1/s", "requests", "p50, ms", "p99, ms", "ideal, ms", "ratio")
	for _, c := range o.classes() {
		for _, size := range loadSizes {
			f, err := loadOf(ctx, o, c, size)
			if err != nil {
				return fmt.Errorf("%s, %d bytes: %w", c.name, size, err)
			}
			fmt.Printf("%-20s %8d %14.1f %9d %9.1f %9.1f %11.1f %6.2f\n", c.name, size, f.Capacity, f.Requests, f.P50*1000, f.P99*1000, f.IdealP99*1000, f.Ratio())
			if f.Failed > 0 {
				return fmt.Errorf("%s, %d bytes: %d requests failed", c.name, size, f.Failed)
			}
		}
	}
	return nil
}

func loadOf(ctx context.Context, o options, c class, size int) (f waiting.Figures, err error) {
	s, err := server.Start(ctx, o.program, loadWorkers, c.args...)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	return waiting.Measure(ctx, bench.Options{URL: "http://" + s.Addr + "/", Texts: []string{paragraphs(size)}}, loadWorkers, loadPart, o.time)
}
