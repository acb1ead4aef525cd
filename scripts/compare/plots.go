package main

import (
	"fmt"
	"math"
	"slices"
)

// colourOf returns the class in palette of a server. It is the same in all plots.
func colourOf(name string) string {
	return palette[slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })].class
}

// plots returns all charts, by file name.
func (h *harness) plots() map[string]chart {
	all := map[string]chart{
		"benchmark-cpu.svg":     h.byWorkers("Seconds per 1000 requests, CPU-bound", "seconds", h.seconds(false)),
		"benchmark-waiting.svg": h.byWorkers("Seconds per 1000 requests, with 0.1 s of waiting in each", "seconds", h.seconds(true)),
		"benchmark-memory.svg": h.byWorkers("Memory of all processes (PSS)", "MB", func(name string, w int) float64 {
			return h.aloneMedian(aloneKey{name, w}).mb
		}),
		"benchmark-load.svg":   h.loadChart(),
		"benchmark-reload.svg": h.reloadChart(),
	}
	for _, s := range h.results.scales {
		if s.what != "threads" {
			all["benchmark-by-"+s.what+".svg"] = scaleChart(s)
		}
	}
	return all
}

// scaleChart makes a chart of answers per second. For texts that grow, it is a chart of
// the CPU time of an answer instead.
func scaleChart(s scaling) chart {
	c := chart{title: "Answers per second by " + s.what, x: s.what, y: "requests/s", xLog: true}
	value := func(p scaled) float64 { return p.perSecond }
	if s.what == "bytes" {
		c.title, c.y = "CPU time of an answer by the length of the text", "ms"
		value = func(p scaled) float64 { return p.cpu * 1000 }
	}
	for _, p := range s.series[0].points {
		c.xTicks = append(c.xTicks, float64(p.x))
	}
	for _, one := range s.series {
		line := series{name: one.name, colour: colourOf(one.name)}
		for _, p := range one.points {
			line.points = append(line.points, [2]float64{float64(p.x), value(p)})
		}
		c.series = append(c.series, line)
	}
	return c
}

// seconds returns a function that gives the seconds of a server with the original client
// and the one paragraph.
func (h *harness) seconds(wait bool) func(string, int) float64 {
	return func(name string, w int) float64 {
		return h.cell(cellKey{name, wait, w, h.plan.loads[0].client, h.plan.loads[0].texts}).seconds
	}
}

func (h *harness) byWorkers(title, unit string, value func(name string, w int) float64) chart {
	c := chart{title: title, x: "workers", y: unit, xLog: true}
	for _, w := range h.plan.workers {
		c.xTicks = append(c.xTicks, float64(w))
	}
	for _, k := range kinds {
		s := series{name: k.name, colour: colourOf(k.name)}
		for _, w := range h.plan.workers {
			s.points = append(s.points, [2]float64{float64(w), value(k.name, w)})
		}
		c.series = append(c.series, s)
	}
	return c
}

func (h *harness) loadChart() chart {
	c := chart{title: fmt.Sprintf("Latency as the load rises, w=%d, random arrivals", sweepWorkers), x: "answered requests per second", y: "ms", xLog: true}
	var rates []float64
	for _, s := range h.results.sweeps {
		p50 := series{name: "p50 " + s.name, colour: colourOf(s.name), dashed: true}
		p99 := series{name: "p99 " + s.name, colour: colourOf(s.name)}
		for _, p := range s.points {
			rates = append(rates, p.answered)
			p50.points = append(p50.points, [2]float64{p.answered, p.p50 * 1000})
			p99.points = append(p99.points, [2]float64{p.answered, p.p99 * 1000})
		}
		c.series = append(c.series, p99, p50)
	}
	c.xTicks = logTicks(rates)
	return c
}

// reloadChart makes a chart of the slowest request in every quarter of a second.
func (h *harness) reloadChart() chart {
	length := h.plan.reload.Seconds()
	c := chart{title: fmt.Sprintf("Slowest request while the workers are replaced, w=%d", sweepWorkers), x: "seconds after the signal", y: "ms", mark: "HUP"}
	for i := range 5 {
		c.xTicks = append(c.xTicks, length*float64(i-1)/4)
	}
	for _, r := range h.results.reloads {
		s := series{name: r.name, colour: colourOf(r.name)}
		for _, p := range r.probes {
			if p.failed {
				s.failed = append(s.failed, p.at)
				continue
			}
			bin := (math.Floor(p.at*4) + 0.5) / 4
			if n := len(s.points); n > 0 && s.points[n-1][0] == bin {
				s.points[n-1][1] = max(s.points[n-1][1], p.seconds*1000)
			} else {
				s.points = append(s.points, [2]float64{bin, p.seconds * 1000})
			}
		}
		c.series = append(c.series, s)
	}
	return c
}
