package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// harness has what all measurements use, and their results.
type harness struct {
	plan    plan
	cache   string // .cache/compare
	source  string // scripts/compare
	narwhal string
	tmp     string // inside cache, removed at the end

	texts   []string          // the paragraph first, then the different texts
	answers []json.RawMessage // spaCy's answers to texts

	asker *asker
	bar   *progressbar.ProgressBar // nil if standard error is no terminal
	log   io.Writer

	results results
}

func (h *harness) path(name string) string { return filepath.Join(h.tmp, name) }

func (h *harness) venv(name string) string { return filepath.Join(h.cache, "venv/bin", name) }

// logf writes a line above the bar.
func (h *harness) logf(format string, a ...any) {
	if h.bar != nil {
		h.bar.Clear()
	}
	fmt.Fprintf(h.log, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, a...))
	if h.bar != nil {
		h.bar.RenderBlank()
	}
}

// step logs a measurement, and advances the bar by one.
func (h *harness) step(format string, a ...any) {
	if h.bar != nil {
		h.bar.Add(1)
	}
	h.logf(format, a...)
}

// prepare writes the texts, and gets spaCy's answers to them.
func (h *harness) prepare(ctx context.Context) error {
	different := 0
	for _, l := range h.plan.loads {
		different = max(different, l.count)
	}
	h.texts = append([]string{bench.Paragraph}, makeTexts(different)...)
	var lines bytes.Buffer
	for _, text := range h.texts {
		if err := json.NewEncoder(&lines).Encode(map[string]string{"text": text}); err != nil {
			return err
		}
	}
	if err := os.WriteFile(h.path("texts.jsonl"), lines.Bytes(), 0o644); err != nil {
		return err
	}
	h.logf("spaCy's own answers to %d texts", len(h.texts))
	cmd := exec.CommandContext(ctx, h.venv("python"), "app.py")
	cmd.Dir = h.source
	cmd.Env = append(os.Environ(), noBytecode)
	cmd.Stdin, cmd.Stderr = &lines, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("app.py: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		h.answers = append(h.answers, json.RawMessage(line))
	}
	if len(h.answers) != len(h.texts) {
		return fmt.Errorf("app.py gave %d answers to %d texts", len(h.answers), len(h.texts))
	}
	return os.WriteFile(h.path("answers.jsonl"), out, 0o644)
}

// measure makes all measurements of the plan.
func (h *harness) measure(ctx context.Context) error {
	if err := h.prepare(ctx); err != nil {
		return err
	}
	// First the servers alone: a server shares pages with other programs in Python, if
	// these run. The first start of each server is not counted, because it reads the disk.
	for i := range 1 + h.plan.starts {
		all := h.plan.workers
		if i == 0 {
			all = all[:1]
		}
		for _, w := range all {
			for _, k := range kinds {
				if err := h.alone(ctx, k, w, i > 0); err != nil {
					return err
				}
			}
		}
	}
	var err error
	if h.asker, err = h.startAsker(); err != nil {
		return err
	}
	defer h.asker.Kill()
	defer context.AfterFunc(ctx, h.asker.Kill)()

	for _, wait := range []bool{false, true} {
		for _, w := range h.plan.workers {
			if err := h.group(ctx, w, wait); err != nil {
				return err
			}
		}
	}
	for _, part := range []func(context.Context) error{h.sweeps, h.queues, h.measurePace, h.reloads, h.scales, h.batches} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// aloneRequests is how many requests a worker answers before its memory is measured.
const aloneRequests = 25

// alone starts a server with nothing beside it, and measures its start and its memory: a
// page that it shares with another server would count only in part. It fails if an answer
// of the server is not spaCy's, because then there is nothing to compare. The result is
// kept only if counts is true.
func (h *harness) alone(ctx context.Context, k kind, w int, counts bool) error {
	s, err := h.startServer(ctx, k, w, false)
	if err != nil {
		return err
	}
	defer s.stop()
	// Enough requests that every worker gets some.
	t, err := h.benchTrial(ctx, s.url, load{first: 0, count: len(h.texts)}, aloneRequests*w)
	if err != nil {
		return err
	}
	if t.errors[notSpacys] > 0 {
		return fmt.Errorf("%s: %d of its answers are not spaCy's", k.name, t.errors[notSpacys])
	}
	bytes, err := proc.PSS(proc.Tree(s.proc.Pid)...)
	if err != nil {
		return err
	}
	what := "alone"
	if counts {
		h.results.alone[aloneKey{k.name, w}] = append(h.results.alone[aloneKey{k.name, w}], alone{s.start.Seconds(), float64(bytes) / 1e6})
	} else {
		what = "first"
	}
	h.step("%-9s w=%d  %-24s first answer after %.2f s, %.0f MB", what, w, k.name, s.start.Seconds(), float64(bytes)/1e6)
	return nil
}

// group starts all servers with w workers, and gives each its trials in turn. So a machine
// that becomes slower does so for all of them. Only one server gets requests at a time.
// The others are idle.
func (h *harness) group(ctx context.Context, w int, wait bool) error {
	p, table, n := h.plan, "cpu", h.plan.requests
	if wait {
		table, n = "waiting", p.waitRequests
	}
	if !slices.ContainsFunc(p.all(wait), func(l load) bool { return slices.Contains(p.workersOf(l), w) }) {
		return nil
	}
	servers, err := h.startAll(ctx, w, wait)
	defer stopAll(servers)
	if err != nil {
		return err
	}
	for _, s := range servers { // warm up, so that all workers have started
		if _, err := h.benchTrial(ctx, s.url, load{first: 0, count: len(h.texts)}, 10*w); err != nil {
			return err
		}
	}
	most := 0
	for _, l := range p.all(wait) {
		most = max(most, l.trials)
	}
	for i := range most {
		for _, l := range p.all(wait) {
			for _, s := range servers {
				if !p.runs(s.kind, l, wait, i) || !slices.Contains(p.workersOf(l), w) {
					continue
				}
				t, err := h.run(ctx, s, l, n)
				if err != nil {
					return err
				}
				k := cellKey{s.name, wait, w, l.client, l.texts}
				h.results.cells[k] = append(h.results.cells[k], *t)
				h.step("%-7s w=%d  trial %d/%d  %s, %s  %-24s %.3f s%s", table, w, i+1, l.trials, l.client, l.texts, s.name, t.seconds, sayErrors(t.errors))
			}
		}
	}
	return nil
}

// startAll starts one server of each kind, all at once. It returns the servers that run
// even if it fails.
func (h *harness) startAll(ctx context.Context, w int, wait bool) ([]*server, error) {
	servers, errs := make([]*server, len(kinds)), make([]error, len(kinds))
	var all sync.WaitGroup
	for i, k := range kinds {
		all.Go(func() { servers[i], errs[i] = h.startServer(ctx, k, w, wait) })
	}
	all.Wait()
	running := slices.DeleteFunc(servers, func(s *server) bool { return s == nil })
	return running, errors.Join(errs...)
}

func stopAll(servers []*server) {
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(s.stop)
	}
	all.Wait()
}

func sayErrors(errs map[string]int) string {
	if len(errs) == 0 {
		return ""
	}
	return fmt.Sprintf("  errors: %v", errs)
}
