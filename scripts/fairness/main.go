// Fairness measures whether requests wait although a worker is idle, and whether all
// clients get equal shares:
//
//	go run ./scripts/fairness           all of these
//	go run ./scripts/fairness pairs     two requests at once to two workers: does each get one?
//	go run ./scripts/fairness clients   kept connections: how much less does the slowest get?
//	go run ./scripts/fairness idle      how long is a worker idle while a request waits?
//	go run ./scripts/fairness load      how long do requests wait at 70 % load, beside an ideal queue?
//	go run ./scripts/fairness long      how long do short texts wait while each worker computes a long one?
//	go run ./scripts/fairness gone      how much is computed for a client that has gone?
//	go run ./scripts/fairness cores     how much faster is a long text on two processors than on one?
//
// -narwhal names the program (default: bin/narwhal). The exit status is 1 if a limit is
// exceeded.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// options are the flags of the command line.
type options struct {
	program string
	pairs   int           // pairs of requests for each class and size
	only    string        // the class; "": all
	runs    int           // runs of clients, for each number of connections
	time    time.Duration // length of a run of idle, load and long
}

// parts are the measurements, in the order in which they are made.
var parts = []struct {
	name string
	run  func(context.Context, options) error
}{
	{"pairs", pairs},
	{"clients", clients},
	{"idle", idle},
	{"load", load},
	{"long", long},
	{"gone", gone},
	{"cores", cores},
}

func main() {
	var o options
	flag.StringVar(&o.program, "narwhal", "bin/narwhal", "the `program` to measure")
	flag.IntVar(&o.pairs, "pairs", 200, "pairs of requests for each class and size")
	flag.StringVar(&o.only, "class", "", "this class only: sync, \"concurrent, pinned\" or \"concurrent, parked\"")
	flag.IntVar(&o.runs, "runs", 20, "runs of each number of kept connections")
	flag.DurationVar(&o.time, "time", 30*time.Second, "of each run of idle, load and long")
	flag.Parse()
	if o.only != "" && !slices.ContainsFunc(classes, func(c class) bool { return c.name == o.only }) {
		fmt.Fprintf(os.Stderr, "fairness: there is no class %q\n", o.only)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fairness:", err)
		os.Exit(1)
	}
}

// run makes the named measurements, or all. It goes on after one that exceeds its limit.
func run(ctx context.Context, o options, names []string) error {
	var errs []error
	known := map[string]bool{}
	for _, p := range parts {
		known[p.name] = true
		asked := len(names) == 0 || slices.Contains(names, p.name)
		if !asked || ctx.Err() != nil {
			continue
		}
		fmt.Printf("\n== %s\n", p.name)
		if err := p.run(ctx, o); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	for _, n := range names {
		if !known[n] {
			errs = append(errs, fmt.Errorf("there is no measurement %q: want pairs, clients, idle, load, long, gone or cores", n))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}
