package main

import (
	"slices"

	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// results has all measurements.
type results struct {
	alone   map[aloneKey][]alone
	cells   map[cellKey][]trial
	sweeps  []sweep
	queues  []queue
	pace    pace
	reloads []reload
	scales  []scaling
	batches []batchRow
}

type aloneKey struct {
	name    string
	workers int
}

// alone is one start of a server with nothing beside it.
type alone struct {
	start float64 // seconds from exec to the first answer
	mb    float64 // PSS of all its processes after some work
}

type cellKey struct {
	name          string
	wait          bool
	workers       int
	client, texts string
}

// cell is the summary of the trials of one server under one load.
type cell struct {
	trials               int     // 0: not measured
	seconds              float64 // per 1000 requests, the median
	low, high            float64 // the smallest and the largest seconds
	p50, p99             float64 // seconds; medians of the trials
	serverCPU, clientCPU float64 // per 1000 requests: the mean, because one trial may be less than a tick
	errors               int     // of all trials
}

func (h *harness) cell(k cellKey) cell {
	n := h.plan.requests
	if k.wait {
		n = h.plan.waitRequests
	}
	trials := h.results.cells[k]
	c := cell{trials: len(trials)}
	var seconds, p50, p99 []float64
	per := 1000 / float64(n)
	for _, t := range trials {
		seconds = append(seconds, t.seconds*per)
		p50, p99 = append(p50, t.p50), append(p99, t.p99)
		c.serverCPU += t.serverCPU * per / float64(len(trials))
		c.clientCPU += t.clientCPU * per / float64(len(trials))
		for _, count := range t.errors {
			c.errors += count
		}
	}
	c.seconds, c.p50, c.p99 = stats.Median(seconds), stats.Median(p50), stats.Median(p99)
	if len(seconds) > 0 {
		c.low, c.high = slices.Min(seconds), slices.Max(seconds)
	}
	return c
}

// best returns the fastest server in Python, or the faster mode of narwhal, under a load.
// The name is "" if none was measured.
func (h *harness) best(python bool, k cellKey) (name string, c cell) {
	return h.bestOf(kinds, python, k)
}

func (h *harness) bestOf(among []kind, python bool, k cellKey) (name string, c cell) {
	for _, kind := range among {
		k.name = kind.name
		one := h.cell(k)
		if kind.python == python && one.trials > 0 && (name == "" || one.seconds < c.seconds) {
			name, c = kind.name, one
		}
	}
	return name, c
}

// aloneMedian returns the medians of a server's starts.
func (h *harness) aloneMedian(k aloneKey) alone {
	var start, mb []float64
	for _, a := range h.results.alone[k] {
		start, mb = append(start, a.start), append(mb, a.mb)
	}
	return alone{stats.Median(start), stats.Median(mb)}
}
