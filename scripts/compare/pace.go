package main

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// pace says how evenly the processors compute when they have nothing else to do. The
// ideal queue has equal service times, as if the processors were always equally fast.
// ratio says how much longer its p99 is on these processors.
type pace struct {
	fastest, p50, p99 float64 // seconds that the same computation takes
	ratio             float64 // p99 of the ideal queue on these processors ÷ p99 with equal service times
}

// track has the times at which a processor ended its first, second, … computation. Its
// first value is 0, the beginning.
type track []time.Duration

// measurePace has sweepWorkers threads repeat the same computation, and keeps the result.
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
		t = append(t, time.Since(start))
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

// paceOf simulates a queue in which every request is one computation. Requests arrive at
// queueLoad of the rate that the processors had, in nine random sequences. ratio is the
// median of the nine.
func paceOf(tracks []track) pace {
	var times []float64
	var paced []bench.Worker
	capacity, end := 0.0, tracks[0][len(tracks[0])-1] // computations a second of all tracks; their common end
	for _, t := range tracks {
		last := t[len(t)-1]
		capacity += float64(len(t)-1) / last.Seconds()
		end = min(end, last)
		for i := range t[1:] {
			times = append(times, (t[i+1] - t[i]).Seconds())
		}
		paced = append(paced, t.after)
	}
	equal := bench.EqualWorkers(len(tracks), time.Duration(float64(len(tracks))/capacity*float64(time.Second)))
	rate := queueLoad * capacity
	n := int(0.95 * end.Seconds() * rate) // so few that the last request comes before the tracks end
	var ratios []float64
	for seed := range uint64(9) {
		p99 := stats.Quantile(bench.IdealQueue(paced, rate, seed, n), 0.99)
		ratios = append(ratios, p99.Seconds()/stats.Quantile(bench.IdealQueue(equal, rate, seed, n), 0.99).Seconds())
	}
	return pace{slices.Min(times), stats.Quantile(times, 0.5), stats.Quantile(times, 0.99), stats.Quantile(ratios, 0.5)}
}

// after returns when a computation that begins at begin ends. It takes as long as the
// processor needed for a computation at that time.
func (t track) after(begin time.Duration) time.Duration {
	i, _ := slices.BinarySearch(t, begin)
	i = min(max(i, 1), len(t)-1) // begin is within the i-th computation, or after the last
	took := t[i] - t[i-1]
	if i == len(t)-1 || begin > t[i] {
		return begin + took
	}
	done := float64(begin-t[i-1]) / float64(took) // of the i-th
	return t[i] + time.Duration(done*float64(t[i+1]-t[i]))
}
