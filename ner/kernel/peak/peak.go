// Package peak measures the most float32 arithmetic one core can do, so that
// benchmarks can say what share of it they reach.
package peak

import "time"

// GFLOPS returns the peak of the core it runs on in GFLOP/s, a fused
// multiply-add counted as two: the best of several runs, about 50 ms in all. It is
// 0 where it is not known, without the assembly or without FMA.
func GFLOPS() float64 {
	const laps, runs = 200_000, 25
	best := 0.0
	for range runs {
		start := time.Now()
		flops := run(laps)
		if d := time.Since(start); d > 0 {
			best = max(best, flops/float64(d.Nanoseconds()))
		}
	}
	return best
}
