// Compare measures narwhal and the servers that people run spaCy with: Flask with
// Gunicorn, FastAPI with Uvicorn and with Granian. It writes benchmark.md and its plots.
//
//	make compare           all of it, to docs: two and a half hours where a text takes spaCy 45 ms
//	-only batches          only many texts at once; replaces this section in benchmark.md
//	make compare-quick     fewer requests and trials, to .cache/compare/quick: under eight minutes
//
// So that the comparison is fair, all servers run on the same machine in the same run, take
// turns, and get the same texts. Every answer of every trial must be spaCy's. To try a
// change of these programs, use -plan tiny.
//
//	plan.go      how much is measured      server.go               one server: start and first answer
//	harness.go   in which order            trial.go, ask.py        one batch of requests, by two clients
//	app.py       the programs in Python    sweep.go, queue.go      rising load; waiting beside an ideal queue
//	texts.go     what is sent              reload.go, scale.go     HUP under load; texts, workers, connections that grow
//	batch.go     many texts in a request, and in a file
//	results.go   what was measured         report.go, parts.go, figures.go, losses.go, chart.go, plots.go   what is written
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

func main() {
	which := flag.String("plan", "full", "full, quick or tiny")
	only := flag.String("only", "", "\"batches\": measure only these, and write their section to benchmark.md")
	out := flag.String("out", "docs", "directory for benchmark.md and its plots")
	readme := flag.String("readme", "", "file that gets a small table of the figures; none if empty")
	flag.Parse()
	// A second Ctrl-C does nothing. It would leave the servers running, and it takes five
	// seconds at most to stop them.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, *which, *only, *out, *readme); err != nil {
		if ctx.Err() != nil {
			err = errors.New("stopped; all servers are gone and nothing was written")
		}
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, which, only, out, readme string) error {
	plans := map[string]func() plan{"full": full, "quick": quick, "tiny": tiny}
	makePlan, ok := plans[which]
	if !ok {
		return fmt.Errorf("-plan %s: want full, quick or tiny", which)
	}
	if only != "" && only != "batches" {
		return fmt.Errorf("-only %s: want batches, or nothing for all", only)
	}
	h := &harness{plan: makePlan(), log: os.Stderr}
	h.results.alone, h.results.cells = map[aloneKey][]alone{}, map[cellKey][]trial{}
	var err error
	if h.cache, err = filepath.Abs(".cache/compare"); err != nil {
		return err
	}
	if h.source, err = filepath.Abs("scripts/compare"); err != nil {
		return err
	}
	h.narwhal = filepath.Join(h.cache, "narwhal")
	for _, need := range []string{h.narwhal, h.venv("python")} {
		if _, err := os.Stat(need); err != nil {
			return fmt.Errorf("%w: scripts/compare/setup.sh makes it", err)
		}
	}
	if h.tmp, err = os.MkdirTemp(h.cache, "run-"); err != nil {
		return err
	}
	defer os.RemoveAll(h.tmp)

	about := describe(which)
	h.logf("%s", about)
	began := time.Now()
	before, err := proc.Stolen()
	if err != nil {
		return err
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		h.bar = progressbar.NewOptions(h.plan.steps(), progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
	}
	measure := h.measure
	if only != "" {
		measure = h.measureBatches
	}
	if err := measure(ctx); err != nil {
		return err
	}
	if h.bar != nil {
		h.bar.Finish()
	}
	after, err := proc.Stolen()
	if err != nil {
		return err
	}
	about += " " + describeSteal(after-before, time.Since(began))
	if only != "" {
		return h.writeBatches(filepath.Join(out, "benchmark.md"), about)
	}
	return h.write(out, readme, about)
}
