package main

import (
	"fmt"
	"strings"
)

// The parts of the report other than the tables of report.go.

func (h *harness) aloneTable(b *strings.Builder) {
	fmt.Fprintf(b, "## Start and memory\n\nEach server with nothing beside it, its files read before. Seconds from its start to the first answer; memory is the PSS of all its processes after %d requests a worker. Medians of %s.\n\n", aloneRequests, plural(h.plan.starts, "start"))
	headWorkers(b, h.plan.workers)
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

func (h *harness) sweepTable(b *strings.Builder) {
	head(b, "server", "sent/s", "answered/s", "p50 ms", "p99 ms", "failed")
	for _, s := range h.results.sweeps {
		for _, p := range s.points {
			fmt.Fprintf(b, "| %s | %.1f | %.1f | %.1f | %.1f | %d |\n", s.name, p.rate, p.answered, p.p50*1000, p.p99*1000, p.failed)
		}
	}
	b.WriteByte('\n')
}

func (h *harness) queueTable(b *strings.Builder) {
	fmt.Fprintf(b, "## Waiting at %.0f %% load\n\nOne text at random times, at %.0f %% of what the server itself can do with w=%d, client beside it: the paragraph, and for narwhal as many of them, too, as take it about as long as one takes the others, because with one the client's share of the processors is not small. "+
		"The ideal is a simulated queue in front of %d workers with equal service times, w / capacity, and the same arrivals (M/D/%d): no server can do better on average. "+
		"A ratio below 1 means that a request alone is quicker than w / capacity. At %.0f %% load hardly a request meets another: that is what one takes without waiting, client and machine included; of so few requests the p99 is nearly the slowest. Trials: %d, of which the one with the median ratio is here.\n\n",
		queueLoad*100, queueLoad*100, sweepWorkers, sweepWorkers, sweepWorkers, calmLoad*100, h.plan.queueTrials)
	head(b, "server", "paragraphs", "capacity, requests/s", "p50 ms", "ideal p50", "p99 ms", "ideal p99", "ratio of p99", fmt.Sprintf("p50 at %.0f %%", calmLoad*100), fmt.Sprintf("p99 at %.0f %%", calmLoad*100), "failed")
	for _, q := range h.results.queues {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.2f | %.1f | %.1f | %d |\n",
			q.name, q.paragraphs, q.Capacity, q.P50*1000, q.IdealP50*1000, q.P99*1000, q.IdealP99*1000, q.Ratio(), q.calmP50*1000, q.calmP99*1000, q.Failed)
	}
	p := h.results.pace
	fmt.Fprintf(b, "\nEqual service times suppose a processor that is always as quick. For %v after these trials, %d threads did a computation of %.2f ms again and again, with nothing beside them: it took %.2f ms at the median, p99 %.2f ms. "+
		"The p99 of the ideal queue with processors of that pace, at %.0f %% of what they did, is %.2f times that with equal service times (median of nine sequences of arrivals). The machine may have been steadier or less steady during the trials.\n\n",
		h.plan.queue, sweepWorkers, p.fastest*1000, p.p50*1000, p.p99*1000, queueLoad*100, p.ratio)
}

func (h *harness) reloadTable(b *strings.Builder) {
	fmt.Fprintf(b, "## Reload under load\n\nA request every %v with w=%d, and HUP to the master.\n\n", probeEvery, sweepWorkers)
	head(b, "server", "slowest request", "failed")
	for _, r := range h.results.reloads {
		worst, failed := r.worst()
		fmt.Fprintf(b, "| %s | %.0f ms | %d of %d |\n", r.name, worst*1000, failed, len(r.probes))
	}
	b.WriteString("\n![latency during a reload](benchmark-reload.svg)\n\n")
}

// scaleNotes says, for each quantity that grows, how it was measured.
var scaleNotes = map[string]string{
	"bytes":       "Different texts of so many bytes, 8 clients, w=2.",
	"workers":     "32 clients.",
	"connections": fmt.Sprintf("So many kept connections, each with a request after the other, w=2, the servers' limits of connections raised. A request that takes longer than %.0f s has failed. Memory is that under the load.", scaleTimeout.Seconds()),
	"threads":     "narwhal only, one worker, 16 clients: `--threads` is how many requests compute at the same time. This is its batch size: narwhal takes one text a request and computes no batches, so the cost of a text does not depend on its neighbours.",
}

const scaleTitle = "## As it grows\n\n"

func (h *harness) scaleTables(b *strings.Builder) {
	fmt.Fprintf(b, scaleTitle+"narwhal concurrent, and the best server in Python; each figure from a closed loop of %v in which every client sends its next request when the last is answered.\n\n", h.plan.scale.each)
	for _, s := range h.results.scales {
		fmt.Fprintf(b, "### By %s\n\n%s\n\n", s.what, scaleNotes[s.what])
		head(b, "server", s.what, "requests/s", "p50 ms", "p99 ms", "server CPU ms each", "MB", "failed")
		for _, one := range s.series {
			for _, p := range one.points {
				fmt.Fprintf(b, "| %s | %d | %.1f | %.1f | %.1f | %.2f | %.0f | %d |\n",
					one.name, p.x, p.perSecond, p.p50*1000, p.p99*1000, p.cpu*1000, p.mb, p.failed)
			}
		}
		b.WriteByte('\n')
		if s.what != "threads" {
			fmt.Fprintf(b, "![by %s](benchmark-by-%s.svg)\n\n", s.what, s.what)
		}
	}
}
