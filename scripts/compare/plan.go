package main

import "time"

// plan says how much is measured.
type plan struct {
	requests     int // of a trial in the table without waiting
	waitRequests int // of a trial in the table with waiting
	workers      []int
	loads        []load
	waitLoads    []load
	starts       int // of each server alone, for the time to the first answer and memory
	sweep        time.Duration
	sweepLoads   []float64 // as parts of a server's capacity
	queue        time.Duration
	queueTrials  int
	reload       time.Duration
	scale        scalePlan
	batchTexts   int // at most as many as the different texts of loads
	batchTrials  int
}

// full is the plan of `make compare`. It takes long because a trial takes a server in
// Python half a minute with one worker. So the loads whose figures are compared get five
// trials, and the others get one. The report says how many each had.
func full() plan {
	all := loads(1000)
	all[0].trials = 5
	all[1].trials, all[1].workers = 1, []int{sweepWorkers}
	all[2].trials, all[2].workers = 1, []int{sweepWorkers}
	all[3].trials = 5
	wait := []load{all[0], all[3]}
	wait[0].trials = 5
	wait[1].trials, wait[1].workers = 1, []int{sweepWorkers}
	return plan{
		requests: 1000, waitRequests: 1000, workers: []int{1, 2, 4},
		loads: all, waitLoads: wait,
		starts: 1,
		sweep:  6 * time.Second, sweepLoads: []float64{0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1},
		queue: 8 * time.Second, queueTrials: 3,
		reload: 12 * time.Second,
		scale: scalePlan{
			each: 3 * time.Second, workers: []int{1, 2, 3, 4, 6, 8}, threads: []int{1, 2, 4},
			lengths:     []int{50, 200, paragraphLength, 4 * paragraphLength, 16 * paragraphLength, 64 * paragraphLength},
			connections: []int{1, 10, 100, 1000, 10000},
		},
		batchTexts: 1000, batchTrials: 3,
	}
}

// quick is the plan of `make compare-quick`. It takes less than eight minutes. It has
// fewer requests, so its figures are less exact.
func quick() plan {
	all := loads(60)
	all[0].trials, all[3].trials = 2, 1
	wait := []load{all[0]}
	wait[0].trials, wait[0].workers = 1, []int{sweepWorkers}
	return plan{
		requests: 60, waitRequests: 30, workers: []int{1, 2, 4},
		loads: []load{all[0], all[3]}, waitLoads: wait,
		starts: 1,
		sweep:  1500 * time.Millisecond, sweepLoads: []float64{0.2, 0.5, 0.7, 0.9, 1.1},
		queue: 4 * time.Second, queueTrials: 1,
		reload: 3 * time.Second,
		scale: scalePlan{
			each: time.Second, workers: []int{1, 2}, threads: []int{1, 2},
			lengths: []int{50, paragraphLength}, connections: []int{1, 10, 100},
		},
		batchTexts: 60, batchTrials: 1,
	}
}

// tiny is a plan to test changes of this program with. Its figures mean nothing.
func tiny() plan {
	all := loads(10)
	return plan{
		requests: 10, waitRequests: 4, workers: []int{sweepWorkers},
		loads: []load{all[0], all[3]}, waitLoads: all[:1],
		starts: 1,
		sweep:  300 * time.Millisecond, sweepLoads: []float64{0.3, 0.9},
		queue: 500 * time.Millisecond, queueTrials: 1,
		reload: 2 * time.Second,
		scale: scalePlan{
			each: 200 * time.Millisecond, workers: []int{1, 2}, threads: []int{1, 2},
			lengths: []int{50, paragraphLength}, connections: []int{1, 20},
		},
		batchTexts: 10, batchTrials: 1,
	}
}

// steps returns how many measurements there will be, for the progress bar.
func (p plan) steps() int {
	n := len(kinds) * (1 + len(p.workers)*p.starts) // starts; the first of each kind is not counted in the results
	for _, wait := range []bool{false, true} {
		for _, l := range p.all(wait) {
			for i := range l.trials {
				for _, k := range kinds {
					if p.runs(k, l, wait, i) {
						n += len(p.workersOf(l))
					}
				}
			}
		}
	}
	s := p.scale
	return n + 2*len(p.sweepLoads) + 5*p.queueTrials + 1 + len(kinds) + 2*(len(s.lengths)+len(s.workers)+len(s.connections)) + len(s.threads) + 4*p.batchTrials
}

// all returns the loads of the table with waiting, or of the one without.
func (p plan) all(wait bool) []load {
	if wait {
		return p.waitLoads
	}
	return p.loads
}

// workersOf returns the numbers of workers with which a load is tried.
func (p plan) workersOf(l load) []int {
	if l.workers != nil {
		return l.workers
	}
	return p.workers
}

// runs reports whether a server has an i-th trial of a load. With waiting, a server that
// handles one request at a time needs 100 s for a thousand. Nearly all of that is waiting,
// whatever the client is, so such a server is tried with the first client only.
func (p plan) runs(k kind, l load, wait bool, i int) bool {
	return i < l.trials && (!wait || !k.sync || l.client == p.waitLoads[0].client)
}
