package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// figure is a line of the report's first table. It has the best server in Python, the
// better mode of narwhal, and the goal.
type figure struct {
	what         string
	theirs, ours string // value, unit and name of the server: Python's, narwhal's
	ratio        float64
	goal         string
	reached      bool
}

// times makes a figure. Its goal is reached if theirs is at least goal times ours.
func times(what, unit string, theirName string, theirs float64, ourName string, ours, goal float64) figure {
	return figure{
		what: what, theirs: fmt.Sprintf("%s %s (%s)", short(theirs), unit, theirName), ours: fmt.Sprintf("%s %s (%s)", short(ours), unit, ourName),
		ratio: theirs / ours, goal: fmt.Sprintf("%g ×", goal), reached: theirs/ours >= goal,
	}
}

// short formats a number with three significant digits, or more for a large number.
func short(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// figures returns the lines of the report's first table, computed from the results.
func (h *harness) figures() (all []figure) {
	last := h.plan.workers[len(h.plan.workers)-1]
	for _, g := range []struct {
		l    load
		goal float64
	}{{h.plan.loads[0], 10}, {h.plan.loads[len(h.plan.loads)-1], 12}} {
		for _, w := range h.plan.workersOf(g.l) {
			key := cellKey{"", false, w, g.l.client, g.l.texts}
			theirName, theirs := h.best(true, key)
			ourName, ours := h.bestOf(oneCoreEach(kinds, w), false, key)
			all = append(all, times(fmt.Sprintf("1000 requests, %s, w=%d", g.l.client, w), "s", theirName, theirs.seconds, ourName, ours.seconds, g.goal))
		}
	}
	all = append(all, h.waitingFigures()...)

	key := cellKey{"", false, sweepWorkers, h.plan.loads[0].client, h.plan.loads[0].texts}
	theirName, theirs := h.leastCPU(true, key)
	ourName, ours := h.leastCPU(false, key)
	all = append(all, times(fmt.Sprintf("CPU time of the server for 1000 requests, w=%d", sweepWorkers), "s", theirName, theirs, ourName, ours, 12))

	for _, f := range []struct {
		what, unit string
		goal       float64
		value      func(alone) float64
	}{
		{fmt.Sprintf("memory of all processes (PSS), w=%d", last), "MB", 8, func(a alone) float64 { return a.mb }},
		{fmt.Sprintf("start to first answer, w=%d", last), "s", 20, func(a alone) float64 { return a.start }},
	} {
		theirName, theirs := h.leastAlone(true, last, f.value)
		ourName, ours := h.leastAlone(false, last, f.value)
		all = append(all, times(f.what, f.unit, theirName, theirs, ourName, ours, f.goal))
	}

	for _, q := range h.results.queues {
		if k := kindOf(q.name); !k.python {
			all = append(all, figure{
				what:   fmt.Sprintf("p99 at %.0f %% of own capacity, text of %d × the paragraph, beside an ideal queue", queueLoad*100, q.paragraphs),
				theirs: fmt.Sprintf("%s ms (the ideal)", short(q.IdealP99*1000)), ours: fmt.Sprintf("%s ms (%s)", short(q.P99*1000), q.name),
				ratio: q.IdealP99 / q.P99, goal: "at most 1.3 × as long", reached: q.P99 <= 1.3*q.IdealP99,
			})
		}
	}
	errs := h.errors(false)
	return append(all, figure{what: "errors, all measurements", theirs: fmt.Sprint(h.errors(true)), ours: fmt.Sprint(errs), goal: "0", reached: errs == 0})
}

// waitingFigures returns the figures of the requests that wait. Servers that handle one
// request at a time are compared with each other, and so are the others.
func (h *harness) waitingFigures() (all []figure) {
	l := h.plan.waitLoads[0]
	var several []kind
	for _, k := range kinds {
		if !k.sync {
			several = append(several, k)
		}
	}
	for _, w := range h.plan.workersOf(l) {
		key := cellKey{"Flask + Gunicorn sync", true, w, l.client, l.texts}
		theirs := h.cell(key)
		key.name = "narwhal sync"
		ours := h.cell(key)
		f := times(fmt.Sprintf("1000 requests that wait 0.1 s, sync, w=%d", w), "s", "Flask + Gunicorn sync", theirs.seconds, "narwhal sync", ours.seconds, 1)
		limit := 1.05 * 1000 * waitTime.Seconds() / float64(w)
		f.goal = fmt.Sprintf("never slower, at most %s s", short(limit))
		f.reached = f.reached && ours.seconds <= limit
		all = append(all, f)
	}
	for _, w := range h.plan.workersOf(l) {
		key := cellKey{"", true, w, l.client, l.texts}
		theirName, theirs := h.bestOf(several, true, key)
		ourName, ours := h.bestOf(oneCoreEach(several, w), false, key)
		if ourName == "" {
			continue
		}
		all = append(all, times(fmt.Sprintf("1000 requests that wait 0.1 s, several at once, w=%d", w), "s", theirName, theirs.seconds, ourName, ours.seconds, 10))
	}
	return all
}

// oneCoreEach returns the servers whose workers compute on one core each when there are w
// workers. Workers in Python and of narwhal sync always do. The workers of narwhal
// concurrent divide the cores, so they do if there are as many workers as cores.
func oneCoreEach(all []kind, w int) (some []kind) {
	for _, k := range all {
		if k.python || k.sync || w >= runtime.NumCPU() {
			some = append(some, k)
		}
	}
	return some
}

// leastCPU and leastAlone return the best server in Python, or the better mode of
// narwhal, and its value.
func (h *harness) leastCPU(python bool, key cellKey) (name string, least float64) {
	return h.least(python, func(k kind) float64 {
		key.name = k.name
		return h.cell(key).serverCPU
	})
}

func (h *harness) leastAlone(python bool, w int, value func(alone) float64) (name string, least float64) {
	return h.least(python, func(k kind) float64 { return value(h.aloneMedian(aloneKey{k.name, w})) })
}

func (h *harness) least(python bool, value func(kind) float64) (name string, least float64) {
	for _, k := range kinds {
		if v := value(k); k.python == python && (name == "" || v < least) {
			name, least = k.name, v
		}
	}
	return name, least
}

// errors returns the number of errors in all parts of the run, of Python's servers or of
// narwhal's.
func (h *harness) errors(python bool) (n int) {
	for k, trials := range h.results.cells {
		for _, t := range trials {
			for _, count := range t.errors {
				if kindOf(k.name).python == python {
					n += count
				}
			}
		}
	}
	add := func(name string, failed int) {
		if kindOf(name).python == python {
			n += failed
		}
	}
	for _, s := range h.results.sweeps {
		for _, p := range s.points {
			add(s.name, p.failed)
		}
	}
	for _, q := range h.results.queues {
		add(q.name, q.Failed)
	}
	for _, r := range h.results.reloads {
		_, failed := r.worst()
		add(r.name, failed)
	}
	for _, s := range h.results.scales {
		for _, one := range s.series {
			for _, p := range one.points {
				add(one.name, p.failed)
			}
		}
	}
	return n
}

// inShort writes the report's first table.
func (h *harness) inShort(b *strings.Builder) {
	b.WriteString("## In short\n\nThe best server in Python beside the better narwhal.\n\n")
	head(b, "what", "Python", "narwhal", "Python ÷ narwhal", "wanted")
	for _, f := range h.figures() {
		wanted := f.goal + ", reached"
		if !f.reached {
			wanted = f.goal + ", **not reached**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", f.what, f.theirs, f.ours, f.factor(), wanted)
	}
	b.WriteByte('\n')
}

// factor formats the ratio. It is empty for a figure without one.
func (f figure) factor() string {
	if f.ratio == 0 {
		return ""
	}
	return fmt.Sprintf("**%.1f**", f.ratio)
}

// missed returns a line for each figure whose goal was not reached.
func (h *harness) missed() (found []string) {
	for _, f := range h.figures() {
		if !f.reached {
			found = append(found, fmt.Sprintf("%s: %s, against %s; wanted: %s", f.what, f.ours, f.theirs, f.goal))
		}
	}
	return found
}

// readme returns the small table of the README and the text below it.
func (h *harness) readme() string {
	var b strings.Builder
	head(&b, fmt.Sprintf("%d at once, %d cores", h.plan.requests, runtime.NumCPU()), "best server in Python", "narwhal", "Python ÷ narwhal")
	wanted := []string{"1000 requests, aiohttp", "1000 requests that wait 0.1 s, several", "CPU time", "memory", "start to first answer"}
	for _, f := range h.figures() {
		if slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(f.what, prefix) }) {
			fmt.Fprintf(&b, "| %s | %s | %s | %.1f |\n", f.what, f.theirs, f.ours, f.ratio)
		}
	}
	b.WriteByte('\n')
	b.WriteString("In each row both servers compute on the same number of cores. A request that waits does so in the server, as for a database (`--delay 0.1`).\n`make compare` repeats this in about two and a half hours and writes [docs/benchmark.md](docs/benchmark.md), which says where narwhal loses, too.\n")
	return b.String()
}
