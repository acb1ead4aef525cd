// Chaos puts a real narwhal under load, does to it what operators and faults do,
// and counts the lost requests:
//
//	go run ./scripts/chaos            the long form, an hour at most
//	go run ./scripts/chaos -short     some minutes, for make test
//	scripts/chaos/peers.sh            narwhal and Gunicorn
//	go run ./scripts/chaos -soak 30m  does the master's memory grow?
//	go run ./scripts/chaos -noise 1m  random bytes and mutated requests
//	go run ./scripts/chaos -proxies   behind nginx and HAProxy; with -short a minute
//
// The matrix is modes × clients × events. Their tables are in narwhal.go, clients.go and
// events.go. faults.go breaks things and checks that the rest is served. crowd.go has
// clients that behave badly, and crowded.go measures how they slow the other clients.
//
// The exit status is 1 if more requests were lost than a limit allows. Chaos then prints
// a table of these cells, and logs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if left := proc.EndDescendants(); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "chaos: ended what still ran:", left)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("chaos", flag.ExitOnError)
	r := &runner{out: out}
	f.BoolVar(&r.short, "short", false, "fewer events, all kinds of clients at once")
	f.StringVar(&r.narwhal, "narwhal", "", "the `program`; without it, it is built")
	f.StringVar(&r.model, "model", "auto", "the `model` to serve; prose is always there, and slow to start")
	f.Uint64Var(&r.seed, "seed", 1, "the order of mixed events, and noise, come from this `number`")
	f.DurationVar(&r.noise, "noise", 0, "instead: random bytes and mutated requests, for so long in all `modes`")
	only := f.String("only", "", "play only what this `pattern` finds in lines such as \"narwhal sync, tcp new, HUP\"")
	f.StringVar(&r.venv, "peers", "", "instead: narwhal beside the Gunicorn of this virtual `environment`, as peers.sh makes it")
	f.BoolVar(&r.proxies, "proxies", false, "instead: narwhal behind nginx and HAProxy, as deploy configures them, but without sending a request again")
	doc := f.String("doc", "", "write the figures into this `file`, such as docs/reliability.md")
	limit := f.Duration("limit", time.Hour, "end after this `time`, as a failure")
	f.DurationVar(&r.soaking, "soak", 0, "instead: load with an event every two seconds, for so long in all `modes`")
	if err := f.Parse(args); err != nil {
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	r.random = rand.New(rand.NewPCG(r.seed, 0))
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := proc.AdoptOrphans(); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "chaos-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	if r.narwhal == "" {
		if err := r.build(ctx); err != nil {
			return err
		}
	}
	if r.narwhal, err = filepath.Abs(r.narwhal); err != nil { // a new master starts the file at this path
		return err
	}
	began := time.Now()
	fmt.Fprintf(out, "seed %d, %d workers, %d clients\n", r.seed, workers, clientsAtOnce)
	for _, c := range r.cells() {
		if !pattern.MatchString(c.name) {
			continue
		}
		if err := c.play(ctx); err != nil {
			return fmt.Errorf("after %v: %w", time.Since(began).Round(time.Second), err)
		}
	}
	fmt.Fprintf(out, "\n%d cells in %v\n", len(r.results), time.Since(began).Round(time.Second))
	bad := r.exceeded()
	if len(bad) > 0 {
		table(out, bad)
		return fmt.Errorf("%d of %d cells are over their limits", len(bad), len(r.results))
	}
	if len(r.results) == 0 {
		return errors.New("nothing was played")
	}
	if *doc != "" {
		section := "matrix"
		switch {
		case r.venv != "":
			section = "peers"
		case r.proxies:
			section = "proxies"
		}
		return r.write(*doc, section)
	}
	return nil
}

// named is a cell to play. -only chooses by its name.
type named struct {
	name string
	play func(context.Context) error
}

// cells returns all cells of this run, in order.
func (r *runner) cells() (all []named) {
	// instead returns one cell for each mode. They divide the time.
	instead := func(what string, d time.Duration, play func(context.Context, variant, time.Duration) error) []named {
		for _, v := range modes {
			all = append(all, named{v.String() + ", " + what, func(ctx context.Context) error { return play(ctx, v, d/time.Duration(len(modes))) }})
		}
		return all
	}
	switch {
	case r.soaking > 0:
		return instead("soak", r.soaking, r.soak)
	case r.noise > 0:
		return instead("noise", r.noise, r.noisy)
	case r.proxies:
		for _, v := range r.fronted() {
			all = append(all, named{v.String(), func(ctx context.Context) error { return r.behind(ctx, v) }})
		}
		return all
	}
	matrix := r.matrix()
	if r.venv != "" {
		matrix = r.peers()
	}
	for _, c := range matrix {
		all = append(all, named{fmt.Sprintf("%s, %s, %s", c.variant, names(c.groups), c.event.name),
			func(ctx context.Context) error { return r.run(ctx, c) }})
	}
	if r.venv != "" {
		return all
	}
	for _, v := range r.modes() {
		for _, f := range faults {
			all = append(all, named{fmt.Sprintf("%s, %s", v, f.name), func(ctx context.Context) error { return r.play(ctx, v, f) }})
		}
	}
	for _, v := range r.modes() {
		all = append(all, named{v.String() + ", noise", func(ctx context.Context) error { return r.noisy(ctx, v, 0) }})
		for _, c := range crowds {
			if c.size(r.short) == 0 {
				continue
			}
			all = append(all, named{fmt.Sprintf("%s, %s", v, c.name(r.short)), func(ctx context.Context) error { return r.crowded(ctx, v, c) }})
		}
	}
	return all
}

// build builds narwhal. At run time narwhal finds its model in ./models, if that exists.
func (r *runner) build(ctx context.Context) error {
	r.narwhal = filepath.Join(r.dir, "narwhal")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", r.narwhal, "./cmd/narwhal")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build narwhal: %w\n%s", err, out)
	}
	return nil
}
