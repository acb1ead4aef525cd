package main

import "time"

// plan is how much is measured.
type plan struct {
	requests     int // of a trial in the table without waiting
	waitRequests int // and in that with it
	trials       int
	workers      []int
	loads        []load
	waitLoads    []load
	starts       int // of each server alone, for the time to the first answer and memory
	sweep        time.Duration
	sweepLoads   []float64 // as parts of a server's capacity
	reload       time.Duration
}

// full is `make compare`. Of the waiting table it measures two loads, not four:
// each takes a server with one request at a time 190 s of waiting per trial.
func full() plan {
	all := loads(1000)
	return plan{
		requests: 1000, waitRequests: 1000, trials: 5, workers: []int{1, 2, 4},
		loads: all, waitLoads: []load{all[0], all[3]},
		starts: 3,
		sweep:  10 * time.Second, sweepLoads: []float64{0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1},
		reload: 20 * time.Second,
	}
}

// quick is `make compare-quick`: the same in under eight minutes, with fewer
// requests, which says less.
func quick() plan {
	all := loads(200)
	return plan{
		requests: 200, waitRequests: 60, trials: 3, workers: []int{1, 2, 4},
		loads: []load{all[0], all[3]}, waitLoads: all[:1],
		starts: 1,
		sweep:  2 * time.Second, sweepLoads: []float64{0.2, 0.5, 0.7, 0.9, 1.1},
		reload: 6 * time.Second,
	}
}

// tiny is for those who change this harness: nothing in its report means anything.
func tiny() plan {
	all := loads(10)
	return plan{
		requests: 10, waitRequests: 4, trials: 1, workers: []int{sweepWorkers},
		loads: []load{all[0], all[3]}, waitLoads: all[:1],
		starts: 1,
		sweep:  300 * time.Millisecond, sweepLoads: []float64{0.3, 0.9},
		reload: 2 * time.Second,
	}
}

// steps is how many log lines of measurements there will be, for the bar.
func (p plan) steps() int {
	cells := len(p.workers) * len(kinds)
	return cells*p.starts + cells*p.trials*(len(p.loads)+len(p.waitLoads)) + 2*len(p.sweepLoads) + reloadable()
}

// reloadable is how many servers can be told to reload.
func reloadable() (n int) {
	for _, k := range kinds {
		if k.reload {
			n++
		}
	}
	return n
}
