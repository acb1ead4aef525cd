package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally counts all outcomes.
type tally struct {
	mu sync.Mutex
	r  Report
}

func newTally(mode string) *tally {
	t := &tally{r: Report{
		Mode:       mode,
		Status:     map[int]int{},
		Errors:     map[string]int{},
		FirstError: map[string]string{},
		Service:    newHistogram(),
	}}
	if mode != ModeClosed {
		t.r.Response = newHistogram()
	}
	return t
}

// newHistogram returns a histogram of nanoseconds, from 1 µs to an hour, exact to 0.1 %.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), int64(time.Hour), 3)
}

// add counts a request by its outcome. It does not record the times of failed requests: a
// refusal is quick, and would make a failing server look fast.
func (t *tally) add(out *outcome, wrong error, intended, sent, done time.Time) {
	err := out.err
	if err == nil {
		err = wrong
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.r
	r.Requests++
	r.Connects += out.connects
	if out.reconnect {
		r.Reconnects++
	}
	if out.retried {
		r.Retries++
	}
	if out.status != 0 {
		r.Status[out.status]++
	}
	if err != nil {
		kind := kindOf(err)
		if r.Errors[kind]++; r.Errors[kind] == 1 {
			r.FirstError[kind] = err.Error()
		}
		return
	}
	if out.status != 200 {
		return
	}
	r.OK++
	record(r.Service, done.Sub(sent))
	if r.Response != nil {
		record(r.Response, done.Sub(intended))
	}
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	if h.RecordValue(int64(d)) != nil {
		h.RecordValue(h.HighestTrackableValue()) // more than an hour counts as an hour
	}
}

// drop counts a request of the open loop that was not begun.
func (t *tally) drop() {
	t.mu.Lock()
	t.r.Dropped++
	t.mu.Unlock()
}

// giveUp counts a request that was cut off at the end, or still waited to be sent.
func (t *tally) giveUp(out *outcome) {
	t.mu.Lock()
	t.r.Unfinished++
	t.r.Connects += out.connects
	t.mu.Unlock()
}

// trial adds the time of a trial. If the trial was cut short, its time counts only in
// Elapsed.
func (t *tally) trial(took time.Duration, complete bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Elapsed += took
	if complete {
		t.r.Trials = append(t.r.Trials, took)
	}
}

func (t *tally) progress(elapsed time.Duration) Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Progress{Requests: t.r.Requests, Failed: t.r.Requests - t.r.OK, Elapsed: elapsed}
}
