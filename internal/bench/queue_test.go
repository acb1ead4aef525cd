package bench

import (
	"math"
	"testing"
	"time"
)

// There is a formula for the mean wait with one worker: load × service / (2 (1 − load)).
func TestIdealQueueOfOneWorker(t *testing.T) {
	const n = 1_000_000
	service := 10 * time.Millisecond
	for _, load := range []float64{0.3, 0.7} {
		var sum time.Duration
		times := IdealQueue(EqualWorkers(1, service), load/service.Seconds(), 1, n)
		for _, d := range times {
			sum += d - service
		}
		got, want := (sum / n).Seconds(), load*service.Seconds()/(2*(1-load))
		if math.Abs(got/want-1) > 0.03 {
			t.Errorf("load %v: mean wait %v s, want %v", load, got, want)
		}
		if times[0] != service {
			t.Errorf("load %v: the shortest response took %v, want %v", load, times[0], service)
		}
	}
}

// If there are more workers than requests at a time, no request waits.
func TestIdealQueueWithoutWaiting(t *testing.T) {
	times := IdealQueue(EqualWorkers(100, time.Second), 1, 1, 1000)
	if last := times[len(times)-1]; last != time.Second {
		t.Errorf("the longest response took %v, want %v", last, time.Second)
	}
}
