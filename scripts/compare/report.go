package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// describe describes the machine, the plan and the commit. It must be called before the
// run loads the machine, because it reads the load average.
func describe(which string) string {
	average, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(average) + " ? ? ?")
	cpu := "an unnamed processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
			break
		}
	}
	commit, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		commit = []byte("an unknown commit")
	}
	busy := ""
	if load, err := strconv.ParseFloat(f[0], 64); err == nil && load > 0.25*float64(runtime.NumCPU()) {
		busy = " **The machine had other work: seconds and latencies are too long, and only ratios say something.**"
	}
	return fmt.Sprintf("Measured on %s with `-plan %s` at commit %s, on %d cores of %s, %s/%s. Load average when it began: %s, %s, %s.%s",
		time.Now().UTC().Format("2 January 2006, 15:04 UTC"), which, bytes.TrimSpace(commit), runtime.NumCPU(), cpu,
		runtime.GOOS, runtime.GOARCH, f[0], f[1], f[2], busy)
}

// describeSteal says how much processor time other guests of the host took during the run.
func describeSteal(steal, run time.Duration) string {
	return fmt.Sprintf("In the %.0f minutes of the run other guests of the machine below took %.1f %% of the processors' time from this one (steal).",
		run.Minutes(), 100*steal.Seconds()/run.Seconds()/float64(runtime.NumCPU()))
}

// write writes the report and its plots to a directory, and the small table to the README
// if one is named. It writes the report last, so that a report never stands beside the
// plots of an earlier run.
func (h *harness) write(dir, readme, about string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, c := range h.plots() {
		if err := renameio.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	if readme != "" {
		page, err := os.ReadFile(readme)
		if err != nil {
			return err
		}
		changed, err := replaceBetween(string(page), h.readme())
		if err != nil {
			return fmt.Errorf("%s: %w", readme, err)
		}
		if err := renameio.WriteFile(readme, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	var b strings.Builder
	h.report(&b, about)
	name := filepath.Join(dir, "benchmark.md")
	if err := renameio.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		return err
	}
	h.logf("written: %s", name)
	return nil
}

// `make compare` writes the part of the README between these lines.
const (
	readmeBegin = "<!-- make compare writes this table -->"
	readmeEnd   = "<!-- until here -->"
)

func replaceBetween(page, with string) (string, error) {
	before, rest, found := strings.Cut(page, readmeBegin+"\n")
	_, after, ends := strings.Cut(rest, readmeEnd)
	if !found || !ends {
		return "", fmt.Errorf("the lines %q and %q are missing: put them where the table belongs", readmeBegin, readmeEnd)
	}
	return before + readmeBegin + "\n" + with + readmeEnd + after, nil
}

func (h *harness) report(b *strings.Builder, about string) {
	p := h.plan
	fmt.Fprintf(b, "# Side by side\n\n%s\n\n", about)
	b.WriteString("`make compare` repeats this, `make compare-quick` a small part of it. All servers ran en_core_web_sm 3.8.0 on this machine, client included. " +
		"Before anything was timed each had to give spaCy's answers, and every answer of every trial was compared with them again. " +
		"Versions are in `scripts/compare/requirements.txt`, programs and flags in `scripts/compare/app.py` and `server.go`.\n\n")
	h.inShort(b)
	fmt.Fprintf(b, "## How it is measured\n\nA trial is %d simultaneous requests, %d in the waiting table. Servers take turns trial by trial, A B C A B C, so that a machine that becomes slower does so for all. "+
		"aiohttp is the original's client: it keeps at most 100 connections open. `narwhal bench` opens one for each request. "+
		"Different texts are generated, about as long as the paragraph (827 bytes, 176 tokens). "+
		"The cores are divided among the workers of narwhal concurrent, so a single one computes on all of them; a worker of narwhal sync computes one request at a time, as one in Python does. "+
		"Uvicorn's `--limit-concurrency 1000`, which is the original's, serves 999 at once and answers 503 to one more, which counts as an error.\n\n", p.requests, p.waitRequests)
	b.WriteString("Seconds are medians per 1000 requests, in parentheses the lowest and the highest; × is the best Python server's seconds of that column divided by these.\n\n")

	h.table(b, "CPU-bound", false)
	b.WriteString("![seconds by workers](benchmark-cpu.svg)\n\n")
	h.table(b, "With 0.1 s of waiting before each recognition", true)
	b.WriteString("A sync worker waits with one request at a time, 100 s for a thousand; so sync servers have the first client only.\n\n" +
		"![seconds by workers, with waiting](benchmark-waiting.svg)\n\n")
	h.aloneTable(b)
	b.WriteString("## Rising load\n\nRequests at random times, each on a new connection, up to more than each server can do. Latency counts from when a request was due.\n\n![latency by load](benchmark-load.svg)\n\n")
	h.sweepTable(b)
	h.queueTable(b)
	h.reloadTable(b)
	h.batchTable(b, "")
	h.scaleTables(b)
	h.losses(b)
	b.WriteString("## All figures\n\nRequests per second, p50 and p99 are of the client, medians of the trials; a thousand at once means that p50 is half the trial. " +
		"CPU is user and system time per 1000 requests: of all the server's processes, in ticks of 10 ms, and of the client. Errors are of all trials together.\n\n")
	h.details(b, "CPU-bound", false)
	h.details(b, "With waiting", true)
}

// head writes the first two lines of a table.
func head(b *strings.Builder, columns ...string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
}

// headWorkers writes the first two lines of a table with a column for each number of
// workers.
func headWorkers(b *strings.Builder, workers []int) {
	columns := []string{"server"}
	for _, w := range workers {
		columns = append(columns, fmt.Sprintf("w=%d", w))
	}
	head(b, columns...)
}

func (h *harness) table(b *strings.Builder, title string, wait bool) {
	fmt.Fprintf(b, "## %s\n\n", title)
	for _, l := range h.plan.all(wait) {
		fmt.Fprintf(b, "%s, %s, %s:\n\n", l.client, l.texts, plural(l.trials, "trial"))
		headWorkers(b, h.plan.workersOf(l))
		for _, k := range kinds {
			if !h.plan.runs(k, l, wait, 0) {
				continue
			}
			fmt.Fprintf(b, "| %s |", k.name)
			for _, w := range h.plan.workersOf(l) {
				key := cellKey{k.name, wait, w, l.client, l.texts}
				c := h.cell(key)
				_, best := h.best(true, key)
				fmt.Fprintf(b, " %.2f", c.seconds)
				if c.trials > 1 {
					fmt.Fprintf(b, " (%.2f–%.2f)", c.low, c.high)
				}
				if !k.python {
					fmt.Fprintf(b, ", **%.1f ×**", best.seconds/c.seconds)
				}
				if c.errors > 0 {
					fmt.Fprintf(b, ", %s", plural(c.errors, "error"))
				}
				b.WriteString(" |")
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (h *harness) details(b *strings.Builder, title string, wait bool) {
	for _, l := range h.plan.all(wait) {
		fmt.Fprintf(b, "%s, %s, %s:\n\n", title, l.client, l.texts)
		head(b, "server", "w", "requests/s", "p50 ms", "p99 ms", "server CPU s", "client CPU s", "errors")
		for _, k := range kinds {
			for _, w := range h.plan.workersOf(l) {
				c := h.cell(cellKey{k.name, wait, w, l.client, l.texts})
				if c.trials == 0 {
					continue
				}
				fmt.Fprintf(b, "| %s | %d | %.0f | %.0f | %.0f | %.2f | %.2f | %d |\n",
					k.name, w, 1000/c.seconds, c.p50*1000, c.p99*1000, c.serverCPU, c.clientCPU, c.errors)
			}
		}
		b.WriteByte('\n')
	}
}
