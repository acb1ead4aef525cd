package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"sync"
	"time"
)

// pace is how evenly the processors compute with nothing else to do. An ideal
// queue with equal service times supposes that they always do; what they make of
// it is the ratio below.
type pace struct {
	fastest, p50, p99 float64 // seconds of one fixed computation
	ratio             float64 // p99 of the ideal queue on these processors, beside that with equal service times
}

// track is when a processor had done its first, second, … computation, in seconds.
// The first is 0: the beginning.
type track []float64

// measurePace lets sweepWorkers threads do the same computation again and again.
func (h *harness) measurePace(ctx context.Context) error {
	tracks := make([]track, sweepWorkers)
	start := time.Now()
	var threads sync.WaitGroup
	for i := range tracks {
		threads.Go(func() { tracks[i] = follow(ctx, start, h.plan.queue) })
	}
	threads.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	h.results.pace = paceOf(tracks)
	p := h.results.pace
	h.step("pace      a computation of %.2f ms takes %.2f at the median, p99 %.2f; p99 of an ideal queue at such a pace %.2f times as long",
		p.fastest*1000, p.p50*1000, p.p99*1000, p.ratio)
	return nil
}

func follow(ctx context.Context, start time.Time, d time.Duration) track {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	numbers := make([]float32, 1<<14) // 64 KiB: the speed of a processor, not of memory
	t := track{0}
	for ctx.Err() == nil && time.Since(start) < d {
		compute(numbers)
		t = append(t, time.Since(start).Seconds())
	}
	return t
}

// compute takes about two milliseconds.
//
//go:noinline
func compute(numbers []float32) (sums [8]float32) {
	for range 150 {
		for i := 0; i+8 <= len(numbers); i += 8 {
			for k := range sums {
				sums[k] += numbers[i+k] * 1.0001
			}
		}
	}
	return sums
}

// paceOf simulates the queue whose requests are one computation each, at
// queueLoad of what the processors did, with nine sequences of arrivals.
func paceOf(tracks []track) pace {
	var times []float64
	capacity, end := 0.0, tracks[0][len(tracks[0])-1]
	for _, t := range tracks {
		capacity += float64(len(t)-1) / t[len(t)-1]
		end = min(end, t[len(t)-1])
		for i := range t[1:] {
			times = append(times, t[i+1]-t[i])
		}
	}
	var ratios []float64
	for seed := range uint64(9) {
		random := rand.New(rand.NewPCG(seed, 0))
		var arrivals []float64
		for now := random.ExpFloat64(); now < 0.95*end*queueLoad*capacity; now += random.ExpFloat64() {
			arrivals = append(arrivals, now/(queueLoad*capacity))
		}
		equal := queueP99(arrivals, len(tracks), func(_ int, begin float64) float64 {
			return begin + float64(len(tracks))/capacity
		})
		paced := queueP99(arrivals, len(tracks), func(i int, begin float64) float64 { return tracks[i].after(begin) })
		ratios = append(ratios, paced/equal)
	}
	return pace{slices.Min(times), quantile(times, 0.5), quantile(times, 0.99), quantile(ratios, 0.5)}
}

// after gives when a computation that begins at a time will have ended, which is
// as long after it as the processor took for one then.
func (t track) after(begin float64) float64 {
	i := min(max(sort.SearchFloat64s(t, begin), 1), len(t)-1) // within the i-th, or the last
	left := (t[i] - begin) / (t[i] - t[i-1])                  // of the i-th
	if i == len(t)-1 || left < 0 {
		return begin + t[i] - t[i-1]
	}
	return t[i] + (1-left)*(t[i+1]-t[i])
}

// queueP99 serves in order of arrival, each by the worker that is free first.
func queueP99(arrivals []float64, workers int, end func(worker int, begin float64) float64) float64 {
	free := make([]float64, workers)
	var times []float64
	for _, now := range arrivals {
		first := slices.Index(free, slices.Min(free))
		free[first] = end(first, max(now, free[first]))
		times = append(times, free[first]-now)
	}
	return quantile(times, 0.99)
}
