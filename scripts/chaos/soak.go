package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// A soak plays in minutes what happens to a server in hours: load, and an event every two
// seconds. No request may be lost, and the master must not grow.

const (
	eventEvery = 2 * time.Second
	// Upgrades occur only in this part of the time. After it one master lives to the
	// end, and that master is measured.
	upgradesFirst = 0.25
	// Growth by so many bytes does not count: the kernel and Go's collector vary as much.
	memorySlack = 4 << 20
)

// sample is the memory and the descriptors of a process at a moment.
type sample struct {
	pid    int
	at     time.Duration
	memory int64 // bytes (PSS: a shared page counts in equal parts)
	fds    int
}

// soak plays events that must not lose a request, in random order, by the seed, for d.
func (r *runner) soak(ctx context.Context, v variant, d time.Duration) error {
	s, l, err := r.underLoad(ctx, v, groups, "--max-requests", "20000", "--max-requests-jitter", "10000")
	if err != nil {
		return err
	}
	out := result{server: v.String(), clients: names(groups), event: "soak"}
	var samples []sample
	began := time.Now()
	tick := time.NewTicker(eventEvery)
	defer tick.Stop()
	for time.Since(began) < d && err == nil {
		var of []event
		for _, e := range events {
			upgrade := e.name == "USR2" && time.Since(began).Seconds() > upgradesFirst*d.Seconds()
			if !e.kills && !e.ends && !upgrade && e.name != "recycling" { // recycling goes on all the time
				of = append(of, e)
			}
		}
		if err = of[r.random.IntN(len(of))].do(ctx, s, out.times); err != nil {
			break
		}
		out.times++
		var m sample
		if m, err = measure(s.pid); err != nil {
			break
		}
		m.at = time.Since(began)
		samples = append(samples, m)
		select {
		case <-tick.C: // after an event that took longer, the next one follows at once
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil {
		out.note, err = judge(samples)
	}
	return r.finish(ctx, s, l, out, err, func() int64 { return 0 })
}

// judge compares the first quarter of the last master's samples with the last quarter. It
// fails if memory or descriptors have grown, or if there are too few samples.
func judge(samples []sample) (figures string, err error) {
	last := slices.DeleteFunc(slices.Clone(samples), func(m sample) bool { return m.pid != samples[len(samples)-1].pid })
	const quarters = 4
	if len(last) < 2*quarters {
		return "", fmt.Errorf("the last master was measured %d times: too few to see it grow; soak for longer", len(last))
	}
	first, end := last[:len(last)/quarters], last[len(last)-len(last)/quarters:]
	memory := func(m sample) int64 { return m.memory }
	fds := func(m sample) int64 { return int64(m.fds) }
	// Parked connections are descriptors, too, and come and go. So compare the smallest
	// numbers of descriptors.
	m0, m1, f0, f1 := stats.Median(each(first, memory)), stats.Median(each(end, memory)), slices.Min(each(first, fds)), slices.Min(each(end, fds))
	figures = fmt.Sprintf("master: %.1f MB and %d descriptors from %v on, %.1f MB and %d at the end, after %v (of a quarter the median, and the least)",
		float64(m0)/1e6, f0, first[0].at.Round(time.Second), float64(m1)/1e6, f1, end[len(end)-1].at.Round(time.Second))
	switch {
	case m1 > m0+memorySlack:
		err = fmt.Errorf("the master's memory grows: %s", figures)
	case f1 > f0:
		err = fmt.Errorf("the master's descriptors grow: %s", figures)
	}
	return figures, err
}

func each(of []sample, what func(sample) int64) (all []int64) {
	for _, m := range of {
		all = append(all, what(m))
	}
	return all
}

// measure returns the memory and descriptors of a process. It fails if the process has
// ended.
func measure(pid int) (sample, error) {
	memory, err1 := proc.PSS(pid)
	fds, err2 := proc.Descriptors(pid)
	return sample{pid: pid, memory: memory, fds: fds}, errors.Join(err1, err2)
}
