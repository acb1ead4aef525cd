package bench

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Worker tells of a simulated worker when it will have answered a request that it
// begins with at a time.
type Worker func(begin time.Duration) (end time.Duration)

// EqualWorkers take the same time for every request.
func EqualWorkers(n int, service time.Duration) []Worker {
	return slices.Repeat([]Worker{func(begin time.Duration) time.Duration { return begin + service }}, n)
}

// IdealQueue simulates what a server cannot better: one queue in front of all
// workers, served in order of arrival by the worker that is free first; with
// EqualWorkers that is M/D/c. It returns the response times of the first n
// requests, in order of length; they come at the very times at which an open loop
// with this Rate and Seed sends them.
func IdealQueue(workers []Worker, rate float64, seed uint64, n int) []time.Duration {
	gaps := rand.New(rand.NewPCG(seed, 0))
	free := make([]time.Duration, len(workers)) // when each worker is
	times := make([]time.Duration, n)
	var now time.Duration
	for i := range times {
		now += gap(gaps, rate)
		first := slices.Index(free, slices.Min(free))
		free[first] = workers[first](max(now, free[first]))
		times[i] = free[first] - now
	}
	slices.Sort(times)
	return times
}

// gap is the time between two independent visitors.
func gap(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(r.ExpFloat64() / rate * float64(time.Second))
}
