package main

import (
	"fmt"
	"strings"
)

// losses writes the list of figures in which a server in Python is better than narwhal,
// and of goals that were not reached. It is computed from the results, so that no loss is
// left out.
func (h *harness) losses(b *strings.Builder) {
	b.WriteString("## Where narwhal does not win, or by less than wanted\n\n")
	found := append(h.findLosses(), h.missed()...)
	if len(found) == 0 {
		b.WriteString("In none of the figures of this run.\n\n")
		return
	}
	for _, f := range found {
		fmt.Fprintf(b, "- %s\n", f)
	}
	b.WriteString("\n[engine.md](engine.md#where-the-time-goes-and-why-not-less) says why, by profile.\n\n")
}

func (h *harness) findLosses() (found []string) {
	for _, wait := range []bool{false, true} {
		table := "CPU-bound"
		if wait {
			table = "with waiting"
		}
		for _, l := range h.plan.all(wait) {
			for _, w := range h.plan.workersOf(l) {
				key := cellKey{"", wait, w, l.client, l.texts}
				found = append(found, h.cellLosses(key, fmt.Sprintf("%s, w=%d, %s, %s", table, w, l.client, l.texts))...)
			}
		}
	}
	for _, w := range h.plan.workers {
		for _, ours := range kinds {
			a := h.aloneMedian(aloneKey{ours.name, w})
			for _, k := range kinds {
				their := h.aloneMedian(aloneKey{k.name, w})
				if ours.python || !k.python {
					continue
				}
				if their.start <= a.start {
					found = append(found, fmt.Sprintf("w=%d: %s answers first after %.2f s, %s after %.2f s", w, ours.name, a.start, k.name, their.start))
				}
				if their.mb <= a.mb {
					found = append(found, fmt.Sprintf("w=%d: %s takes %.0f MB, %s %.0f MB", w, ours.name, a.mb, k.name, their.mb))
				}
			}
		}
	}
	found = append(found, h.reloadLosses()...)
	return append(found, h.scaleLosses()...)
}

func (h *harness) reloadLosses() (found []string) {
	for _, ours := range h.results.reloads {
		if kindOf(ours.name).python {
			continue
		}
		worst, failed := ours.worst()
		if failed > 0 {
			found = append(found, fmt.Sprintf("reload: %s failed %d requests", ours.name, failed))
		}
		for _, r := range h.results.reloads {
			if their, _ := r.worst(); kindOf(r.name).python && their <= worst {
				found = append(found, fmt.Sprintf("reload: the slowest request to %s took %.0f ms, to %s %.0f ms", ours.name, worst*1000, r.name, their*1000))
			}
		}
	}
	return found
}

// scaleLosses compares the first series, narwhal's, with the others.
func (h *harness) scaleLosses() (found []string) {
	for _, s := range h.results.scales {
		ours := s.series[0]
		for i, a := range ours.points {
			where := fmt.Sprintf("%d %s", a.x, s.what)
			if a.failed > 0 {
				found = append(found, fmt.Sprintf("%s: %s failed %d requests", where, ours.name, a.failed))
			}
			for _, other := range s.series[1:] {
				if b := other.points[i]; b.perSecond >= a.perSecond {
					found = append(found, fmt.Sprintf("%s: %s answers %.0f requests/s, %s %.0f", where, ours.name, a.perSecond, other.name, b.perSecond))
				} else if b.p99 > 0 && b.p99 <= a.p99 {
					found = append(found, fmt.Sprintf("%s: p99 of %s is %.0f ms, of %s %.0f ms", where, ours.name, a.p99*1000, other.name, b.p99*1000))
				}
			}
		}
	}
	return found
}

// cellLosses compares each mode of narwhal with the best server in Python, and
// narwhal sync with Gunicorn sync.
func (h *harness) cellLosses(key cellKey, where string) (found []string) {
	bestName, best := h.best(true, key)
	for _, k := range kinds {
		if k.python {
			continue
		}
		key.name = k.name
		c, against, other := h.cell(key), bestName, best
		if c.trials == 0 {
			continue
		}
		if key.wait && k.sync { // a sync worker waits with one request at a time: compare with Gunicorn sync
			against = "Flask + Gunicorn sync"
			key.name = against
			other = h.cell(key)
		}
		for _, f := range []struct {
			what         string
			ours, theirs float64
		}{
			{"s per 1000", c.seconds, other.seconds},
			{"s at p99", c.p99, other.p99},
			{"CPU s per 1000", c.serverCPU, other.serverCPU},
		} {
			if f.ours >= f.theirs && f.ours > 0 {
				found = append(found, fmt.Sprintf("%s: %s takes %.2f %s, %s %.2f", where, k.name, f.ours, f.what, against, f.theirs))
			}
		}
		if c.errors > 0 {
			found = append(found, fmt.Sprintf("%s: %s had %d errors", where, k.name, c.errors))
		}
	}
	return found
}
