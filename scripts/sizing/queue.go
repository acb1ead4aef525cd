package main

import "math"

// A queue in front of c workers, with arrivals at random times and service times that
// differ as the lengths of texts do (exponential): M/M/c. The formulas are Erlang's of
// 1917; Leonard Kleinrock, Queueing Systems, volume 1 (1975), section 3.5, derives them.
// Times here are multiples of the mean service time. The load is the mean number of
// workers that are busy.

// waits returns Erlang's C: the part of the requests that must wait.
func waits(workers int, load float64) float64 {
	full := 1.0 // Erlang's B: the part that would find all workers busy if nobody waited
	for k := 1; k <= workers; k++ {
		full = load * full / (float64(k) + load*full)
	}
	return full / (1 - load/float64(workers)*(1-full))
}

// wait returns the time that the given part of the requests waits at most.
func wait(workers int, load, part float64) float64 {
	return max(0, math.Log(waits(workers, load)/(1-part))/(float64(workers)-load))
}

// response returns the time within which the given part of the requests is answered.
func response(workers int, load, part float64) float64 {
	c, r := waits(workers, load), float64(workers)-1-load
	slower := func(t float64) float64 { // the part that takes longer
		if math.Abs(r) < 1e-9 {
			return math.Exp(-t) * (1 + c*t)
		}
		return math.Exp(-t) * (1 + c/r*(1-math.Exp(-r*t)))
	}
	return solve(0, 1e6, func(t float64) bool { return slower(t) > 1-part })
}

// fullest returns the largest part of the workers that can be busy while the given part of
// the requests waits no longer than most.
func fullest(workers int, most, part float64) float64 {
	c := float64(workers)
	return solve(0, 1, func(busy float64) bool { return wait(workers, busy*c, part) <= most })
}

// solve returns the place between low and high up to which yes is true.
func solve(low, high float64, yes func(float64) bool) float64 {
	for range 100 {
		if mid := (low + high) / 2; yes(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}
