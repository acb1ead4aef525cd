// Package peak measures how fast a core can compute with float32 at best. Benchmarks compare
// their speed with that.
package peak

import "time"

// GFLOPS returns the peak of the core on which it runs in GFLOP/s. A fused multiply-add
// counts as two operations. GFLOPS takes about 50 ms: it is the best of several runs. It
// returns 0 if the program has no assembly, or if the CPU has no AVX2 with FMA.
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
