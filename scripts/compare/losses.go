package main

import (
	"fmt"
	"strings"
)

// losses lists where a server in Python does better than the same kind of
// narwhal, or than the better of both. It is computed, so it cannot be forgotten.
func (h *harness) losses(b *strings.Builder) {
	b.WriteString("## Where narwhal does not win\n\n")
	found := h.findLosses()
	if len(found) == 0 {
		b.WriteString("In none of the figures of this run.\n\n")
		return
	}
	for _, f := range found {
		fmt.Fprintf(b, "- %s\n", f)
	}
	b.WriteByte('\n')
}

func (h *harness) findLosses() (found []string) {
	for _, wait := range []bool{false, true} {
		all, table := h.plan.loads, "CPU-bound"
		if wait {
			all, table = h.plan.waitLoads, "with waiting"
		}
		for _, l := range all {
			for _, w := range h.plan.workers {
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
		if key.wait && k.name == "narwhal sync" { // it waits one at a time, by design, as its counterpart does
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
