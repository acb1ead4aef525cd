package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

// memory prints the memory (PSS) of all processes of the server after 2000 requests, for
// different numbers of workers.
func memory(narwhal, model string) error {
	fmt.Println("workers   PSS of all processes, MB   added by each further worker")
	before, workersBefore := 0.0, 0
	for _, workers := range []int{1, 2, 4, 8} {
		mb, err := pssOf(narwhal, model, workers)
		if err != nil {
			return err
		}
		added := ""
		if workersBefore > 0 {
			added = fmt.Sprintf("%.1f", (mb-before)/float64(workers-workersBefore))
		}
		fmt.Printf("%7d %26.1f   %s\n", workers, mb, added)
		before, workersBefore = mb, workers
	}
	return nil
}

func pssOf(narwhal, model string, workers int) (mb float64, err error) {
	model, err = filepath.Abs(model)
	if err != nil {
		return 0, err
	}
	ctx := context.Background()
	s, err := server.Start(ctx, narwhal, workers, "--model", model)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	r, err := bench.Run(ctx, bench.Options{URL: "http://" + s.Addr + "/", Requests: 2000, Connections: 2 * workers})
	if err != nil {
		return 0, err
	}
	if r.OK != r.Requests {
		return 0, fmt.Errorf("%d of %d requests failed: %v", r.Requests-r.OK, r.Requests, r.FirstError)
	}
	n, err := proc.PSS(s.Pids()...)
	return float64(n) / (1 << 20), err
}
