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

// describe says on what the run is made, before it makes a load of its own.
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

// write puts the report and its plots into a directory. The report comes last:
// it never shows plots of another run.
func (h *harness) write(dir, about string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, c := range h.plots() {
		if err := renameio.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	var b strings.Builder
	h.report(&b, about)
	return renameio.WriteFile(filepath.Join(dir, "benchmark.md"), []byte(b.String()), 0o644)
}

func (h *harness) report(b *strings.Builder, about string) {
	p := h.plan
	fmt.Fprintf(b, "# Side by side\n\n%s\n\n", about)
	fmt.Fprintf(b, "`make compare` repeats this, `make compare-quick` a small part of it. All servers ran en_core_web_sm 3.8.0 on this machine, client included, "+
		"and took turns trial by trial. A trial is %d simultaneous requests (%d in the waiting table), %d trials each; every answer was compared with spaCy's. "+
		"Versions are in `scripts/compare/requirements.txt`, programs and flags in `scripts/compare/app.py` and `server.go`.\n\n", p.requests, p.waitRequests, p.trials)
	b.WriteString("aiohttp is the original's client: it keeps at most 100 connections open. `narwhal bench` opens one for each request. " +
		"Different texts are generated, about as long as the paragraph (827 bytes, 176 tokens). " +
		"Uvicorn's `--limit-concurrency 1000`, which is the original's, serves 999 at once and answers 503 to one more, which counts as an error.\n\n")
	b.WriteString("Seconds are medians per 1000 requests, in parentheses the lowest and the highest; × is how many times less than the best Python server of that column.\n\n")

	h.table(b, "CPU-bound", false, p.loads)
	b.WriteString("![seconds by workers](benchmark-cpu.svg)\n\n")
	h.table(b, "With 0.1 s of waiting before each recognition", true, p.waitLoads)
	b.WriteString("![seconds by workers, with waiting](benchmark-waiting.svg)\n\n")
	h.aloneTable(b)
	b.WriteString("## Rising load\n\nRequests at random times, each on a new connection, up to more than each server can do. Latency counts from when a request was due.\n\n![latency by load](benchmark-load.svg)\n\n")
	h.reloadTable(b)
	h.losses(b)
	b.WriteString("## All figures\n\nRequests per second, p50 and p99 are of the client, medians of the trials; a thousand at once means that p50 is half the trial. " +
		"CPU is user and system time per 1000 requests: of all the server's processes, in ticks of 10 ms, and of the client. Errors are of all trials together.\n\n")
	h.details(b, "CPU-bound", false, p.loads)
	h.details(b, "With waiting", true, p.waitLoads)
}

func (h *harness) table(b *strings.Builder, title string, wait bool, all []load) {
	fmt.Fprintf(b, "## %s\n\n", title)
	for _, l := range all {
		fmt.Fprintf(b, "%s, %s:\n\n| server |", l.client, l.texts)
		for _, w := range h.plan.workers {
			fmt.Fprintf(b, " w=%d |", w)
		}
		fmt.Fprintf(b, "\n| --- |%s\n", strings.Repeat(" --- |", len(h.plan.workers)))
		for _, k := range kinds {
			fmt.Fprintf(b, "| %s |", k.name)
			for _, w := range h.plan.workers {
				key := cellKey{k.name, wait, w, l.client, l.texts}
				c := h.cell(key)
				_, best := h.best(true, key)
				fmt.Fprintf(b, " %.2f (%.2f–%.2f)", c.seconds, c.low, c.high)
				if !k.python {
					fmt.Fprintf(b, ", **%.1f ×**", best.seconds/c.seconds)
				}
				if c.errors > 0 {
					fmt.Fprintf(b, ", %d errors", c.errors)
				}
				b.WriteString(" |")
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
}

func (h *harness) aloneTable(b *strings.Builder) {
	fmt.Fprintf(b, "## Start and memory\n\nEach server with nothing beside it. Seconds from its start to the first answer; memory is the PSS of all its processes after up to 200 requests. Medians of %d.\n\n| server |", h.plan.starts)
	for _, w := range h.plan.workers {
		fmt.Fprintf(b, " w=%d |", w)
	}
	fmt.Fprintf(b, "\n| --- |%s\n", strings.Repeat(" --- |", len(h.plan.workers)))
	for _, k := range kinds {
		fmt.Fprintf(b, "| %s |", k.name)
		for _, w := range h.plan.workers {
			a := h.aloneMedian(aloneKey{k.name, w})
			fmt.Fprintf(b, " %.2f s, %.0f MB |", a.start, a.mb)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n![memory by workers](benchmark-memory.svg)\n\n")
}

func (h *harness) reloadTable(b *strings.Builder) {
	fmt.Fprintf(b, "## Reload under load\n\nA request every %v with w=%d, and HUP to the master.\n\n| server | slowest request | failed |\n| --- | --- | --- |\n", probeEvery, sweepWorkers)
	for _, r := range h.results.reloads {
		worst, failed := r.worst()
		fmt.Fprintf(b, "| %s | %.0f ms | %d of %d |\n", r.name, worst*1000, failed, len(r.probes))
	}
	b.WriteString("\n![latency during a reload](benchmark-reload.svg)\n\n")
}

func (h *harness) details(b *strings.Builder, title string, wait bool, all []load) {
	for _, l := range all {
		fmt.Fprintf(b, "%s, %s, %s:\n\n| server | w | requests/s | p50 ms | p99 ms | server CPU s | client CPU s | errors |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n", title, l.client, l.texts)
		for _, k := range kinds {
			for _, w := range h.plan.workers {
				c := h.cell(cellKey{k.name, wait, w, l.client, l.texts})
				fmt.Fprintf(b, "| %s | %d | %.0f | %.0f | %.0f | %.2f | %.2f | %d |\n",
					k.name, w, 1000/c.seconds, c.p50*1000, c.p99*1000, c.serverCPU, c.clientCPU, c.errors)
			}
		}
		b.WriteByte('\n')
	}
}
