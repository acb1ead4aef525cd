package bench

// In this file time is virtual (testing/synctest) and connections are pipes, so that
// counts and times are exact. If a run left a goroutine behind, the test would fail:
// synctest waits for all goroutines, and fails if they never end.

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is a server in virtual time. It answers any number of connections at once.
type fake struct {
	takes func(n int) time.Duration // how long the nth request takes, from 0
	down  bool                      // connections are refused

	mu         sync.Mutex
	requests   int
	answering  int
	mostAtOnce int
	dials      int
	took       time.Duration // the whole run, until it returned
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func (f *fake) reply(asked) string {
	f.mu.Lock()
	d := f.takes(f.requests)
	f.requests++
	f.answering++
	f.mostAtOnce = max(f.mostAtOnce, f.answering)
	f.mu.Unlock()

	time.Sleep(d)

	f.mu.Lock()
	f.answering--
	f.mu.Unlock()
	return ok("{}")
}

// run returns the report of a run with the fake server.
func (f *fake) run(t *testing.T, ctx context.Context, o Options) *Report {
	t.Helper()
	var servers sync.WaitGroup
	defer servers.Wait() // virtual time stops when the test function returns
	r := alone(t, o).run
	r.dial = func() (conn, func() error, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dials++
		if f.down {
			return nil, nil, failedConnect{syscall.ECONNREFUSED}
		}
		ours, theirs := net.Pipe()
		servers.Go(func() {
			defer theirs.Close()
			answerAll(t, f.reply)(theirs)
		})
		return ours, nil, nil
	}
	began := time.Now()
	report := r.measure(ctx)
	f.took = time.Since(began)
	return report
}

// ms reports whether d is n milliseconds, as exactly as a histogram can tell.
func ms(d time.Duration, n float64) bool {
	got := d.Seconds() * 1000
	return got > n*0.998 && got < n*1.002
}

func TestBurstIsAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(100 * time.Millisecond)}
		r := f.run(t, t.Context(), Options{Requests: 1000, Trials: 3})
		want := []time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond}
		if diff := cmp.Diff(want, r.Trials); diff != "" {
			t.Errorf("trials (- want, + got):\n%s", diff)
		}
		if r.OK != 3000 || f.mostAtOnce != 1000 || r.Elapsed != 300*time.Millisecond {
			t.Errorf("%d right, %d at once, %v; want 3000, 1000, 300ms", r.OK, f.mostAtOnce, r.Elapsed)
		}
		if !ms(r.Percentile(50), 100) || !ms(r.Percentile(100), 100) {
			t.Errorf("p50 %v, max %v, want 100ms", r.Percentile(50), r.Percentile(100))
		}
	})
}

func TestClosedLoopAsksOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(30 * time.Millisecond)}
		// 33 full rounds of 30 ms begin before the second is over, and a 34th ends after it.
		r := f.run(t, t.Context(), Options{Connections: 4, Duration: time.Second})
		if r.OK != 4*34 || r.Requests != r.OK || f.mostAtOnce != 4 || r.Elapsed != 1020*time.Millisecond || r.Interrupted {
			t.Errorf("%d of %d right, %d at once, %v, interrupted %v; want 136 of 136, 4, 1.02s, false",
				r.OK, r.Requests, f.mostAtOnce, r.Elapsed, r.Interrupted)
		}
		if r.Response != nil {
			t.Error("a response time, though nothing was due at any time")
		}
	})
}

func TestClosedLoopOfSoManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(10 * time.Millisecond)}
		r := f.run(t, t.Context(), Options{Connections: 4, Requests: 40, Trials: 2})
		if r.OK != 80 || f.requests != 80 || len(r.Trials) != 2 || r.Average() != 100*time.Millisecond {
			t.Errorf("%d right, the server saw %d, trials %v; want 80, 80, two of 100ms", r.OK, f.requests, r.Trials)
		}
	})
}

// When ctx ends, the requests in flight are finished and counted. So a test can check
// that no request was lost.
func TestEndFinishesWhatIsInFlight(t *testing.T) {
	for _, o := range []Options{
		{Connections: 8, Duration: time.Hour},
		{Rate: 100, Duration: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{takes: always(100 * time.Millisecond)}
			ctx, cancel := context.WithTimeout(t.Context(), 950*time.Millisecond)
			defer cancel()
			r := f.run(t, ctx, o)
			if f.took > 1050*time.Millisecond {
				t.Errorf("%s: returned after %v, want at most one answer after 950ms", r.Mode, f.took)
			}
			if r.OK != f.requests || r.Requests != r.OK || r.Unfinished != 0 || !r.Interrupted || len(r.Trials) != 0 {
				t.Errorf("%s: %d of %d right, the server saw %d, %d unfinished, interrupted %v, trials %v; want all right, none unfinished",
					r.Mode, r.OK, r.Requests, f.requests, r.Unfinished, r.Interrupted, r.Trials)
			}
		})
	}
}

// After the end of ctx, requests that take longer than Drain are given up. They do not
// count as failed.
func TestEndGivesUpAfterDrain(t *testing.T) {
	for _, o := range []Options{
		{Requests: 5},
		{Connections: 5, Duration: time.Hour},
		{Rate: 1000, Connections: 5, MaxInFlight: 5, Duration: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{takes: always(time.Hour)}
			o.Drain, o.Timeout = 2*time.Second, 10*time.Minute
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r := f.run(t, ctx, o)
			if f.took != 3*time.Second {
				t.Errorf("%s: returned after %v, want 3s", r.Mode, f.took)
			}
			if r.Unfinished != 5 || r.Requests != 0 || len(r.Errors) != 0 {
				t.Errorf("%s: %d unfinished, %d requests, errors %v; want 5, 0, none", r.Mode, r.Unfinished, r.Requests, r.Errors)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: func(n int) time.Duration { return time.Duration(n%2) * time.Minute }}
		r := f.run(t, t.Context(), Options{Requests: 10, Timeout: 5 * time.Second})
		if r.OK != 5 || r.Errors[ErrTimeout] != 5 || r.Failed() != 5 || r.Elapsed != 5*time.Second {
			t.Errorf("%d right, errors %v, %v; want 5, 5 × timeout, 5s", r.OK, r.Errors, r.Elapsed)
		}
		// A timeout does not count as a service time of 5 s: there was no answer.
		if !(r.Percentile(100) < time.Millisecond) || r.Service.TotalCount() != 5 {
			t.Errorf("max %v of %d, want 0 of 5", r.Percentile(100), r.Service.TotalCount())
		}
	})
}

// A client that cannot connect waits 10 ms before it tries again.
func TestRefusedClientsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(0), down: true}
		r := f.run(t, t.Context(), Options{Connections: 2, Duration: 995 * time.Millisecond})
		if r.Errors[ErrRefused] != 200 || r.Requests != 200 {
			t.Errorf("%d requests, errors %v, want 200 refused: 2 clients, each 10 ms", r.Requests, r.Errors)
		}
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(30 * time.Millisecond)}
		var seen []Progress
		f.run(t, t.Context(), Options{Connections: 1, Requests: 10, Progress: func(p Progress) { seen = append(seen, p) }})
		want := []Progress{
			{Requests: 3, Elapsed: 100 * time.Millisecond},
			{Requests: 6, Elapsed: 200 * time.Millisecond},
			{Requests: 10, Elapsed: 300 * time.Millisecond, Done: true},
		}
		// At 300 ms the tick and the last answer come together. Either order is right.
		if len(seen) == 4 {
			seen = append(seen[:2], seen[3])
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("progress (- want, + got):\n%s", diff)
		}
	})
}
