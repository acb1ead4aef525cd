package bench

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Worker is a simulated worker. Its result is the time at which the worker has answered
// a request that it began at begin.
type Worker func(begin time.Duration) (end time.Duration)

// EqualWorkers returns n workers that take the same time for every request.
func EqualWorkers(n int, service time.Duration) []Worker {
	return slices.Repeat([]Worker{func(begin time.Duration) time.Duration { return begin + service }}, n)
}

// IdealQueue simulates the best that a server can do: one queue in front of all workers.
// Requests are served in the order of their arrival, each by the worker that is free
// first. With EqualWorkers that is M/D/c. The requests arrive at the same times at which
// an open loop with this Rate and Seed sends them. IdealQueue returns the response times
// of the first n requests, the shortest first.
func IdealQueue(workers []Worker, rate float64, seed uint64, n int) []time.Duration {
	gaps := rand.New(rand.NewPCG(seed, 0))
	free := make([]time.Duration, len(workers)) // when each worker is free
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

// gap returns a random time between two independent visitors.
func gap(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(r.ExpFloat64() / rate * float64(time.Second))
}
