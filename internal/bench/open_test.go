package bench

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpenLoopKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(20 * time.Millisecond)}
		r := f.run(t, t.Context(), Options{Rate: 100, Duration: 20 * time.Second, Seed: 7})
		// The number of arrivals has the variance of its mean: 2000 ± 4 × 45.
		if math.Abs(float64(r.Requests-2000)) > 180 || r.OK != r.Requests || r.Dropped != 0 {
			t.Errorf("%d of %d right, %d dropped, want about 2000, all right, none dropped", r.OK, r.Requests, r.Dropped)
		}
		if r.Elapsed < 20*time.Second || r.Elapsed > 20*time.Second+20*time.Millisecond {
			t.Errorf("took %v, want 20s", r.Elapsed)
		}
		// With a connection for each request none waits, so the two times are the same.
		for _, p := range percentiles {
			if s, d := quantile(r.Service, p.p), quantile(r.Response, p.p); !ms(s, 20) || !ms(d, 20) {
				t.Errorf("%s: service %v, response %v, want 20ms", p.name, s, d)
			}
		}
		if r.MaxLag != 0 {
			t.Errorf("the client was %v late in virtual time", r.MaxLag)
		}
	})
}

func TestSeedGivesTheSameTimes(t *testing.T) {
	counts := map[uint64][2]int{}
	for _, seed := range []uint64{1, 2} {
		for i := range 2 {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{takes: always(0)}
				r := f.run(t, t.Context(), Options{Rate: 1000, Duration: time.Second, Seed: seed})
				c := counts[seed]
				c[i] = r.Requests
				counts[seed] = c
			})
		}
	}
	if counts[1][0] != counts[1][1] || counts[2][0] != counts[2][1] || counts[1] == counts[2] {
		t.Errorf("requests by seed %v: want two equal ones each, and not the same for both seeds", counts)
	}
}

// A server stalls once, for two seconds. In a closed loop one request in a thousand is
// slow, and p99 is 10 ms. In an open loop many requests come during the stall, as
// visitors would, and the response time shows it. That a closed loop hides the stall is
// called coordinated omission.
func TestStallShowsInResponseTime(t *testing.T) {
	stall := func(n int) time.Duration {
		if n == 500 {
			return 2 * time.Second
		}
		return 10 * time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		closed := (&fake{takes: stall}).run(t, t.Context(), Options{Connections: 1, Requests: 1000})
		if !ms(closed.Percentile(99), 10) {
			t.Errorf("closed loop: p99 %v, want 10ms: it does not see the stall", closed.Percentile(99))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		open := (&fake{takes: stall}).run(t, t.Context(), Options{Rate: 50, Connections: 1, Requests: 1000, Seed: 1})
		if open.OK != 1000 || open.Dropped != 0 {
			t.Fatalf("%d right, %d dropped, want 1000, 0", open.OK, open.Dropped)
		}
		if s := quantile(open.Service, 99); !ms(s, 10) {
			t.Errorf("service p99 %v, want 10ms: only one request was served slowly", s)
		}
		// 100 requests come during the stall. While they are served, others wait in line.
		if d := quantile(open.Response, 95); d < 500*time.Millisecond {
			t.Errorf("response p95 %v, want more than 500ms", d)
		}
	})
}

func TestDroppedBeyondMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(10 * time.Second)}
		r := f.run(t, t.Context(), Options{Rate: 100, Requests: 300, MaxInFlight: 5, Seed: 3})
		if r.Requests+r.Dropped != 300 || r.OK != r.Requests || r.Failed() != 0 {
			t.Errorf("%d of %d right, %d dropped, want 300 in all and no failure", r.OK, r.Requests, r.Dropped)
		}
		// All 300 come in about 3 s, before the first answer.
		if r.Requests != 5 || f.mostAtOnce != 5 {
			t.Errorf("%d requests, %d at once, want 5, 5", r.Requests, f.mostAtOnce)
		}
	})
}

// If there are fewer connections than requests in flight, the others wait in line and are
// not dropped. The server never has more requests than there are connections.
func TestLineForConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(time.Second)}
		r := f.run(t, t.Context(), Options{Rate: 1000, Requests: 20, MaxInFlight: 100, Connections: 4, Seed: 3})
		if r.OK != 20 || r.Dropped != 0 || f.mostAtOnce != 4 || f.dials != 4 {
			t.Errorf("%d right, %d dropped, %d at once over %d connections, want 20, 0, 4, 4", r.OK, r.Dropped, f.mostAtOnce, f.dials)
		}
		if s, d := quantile(r.Service, 100), quantile(r.Response, 100); !ms(s, 1000) || d < 4900*time.Millisecond {
			t.Errorf("slowest service %v, response %v, want 1s and about 5s: the last waits for four rounds", s, d)
		}
	})
}

// Requests that are still in line at the end were not sent. They count as unfinished, and
// not as right or failed.
func TestEndLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: always(2 * time.Second)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := f.run(t, ctx, Options{Rate: 100, Duration: time.Hour, MaxInFlight: 20, Connections: 3, Seed: 1})
		if r.OK != 3 || r.Failed() != 0 || r.Unfinished != 17 || r.Dropped == 0 {
			t.Errorf("%d right, %d failed, %d unfinished, %d dropped; want 3, 0, 17 and some", r.OK, r.Failed(), r.Unfinished, r.Dropped)
		}
	})
}

// nap uses a timer of the kernel. It must not return too early.
func TestNap(t *testing.T) {
	n, err := newNap()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, d := range []time.Duration{1, 50 * time.Microsecond, 2 * time.Millisecond} {
		began := time.Now()
		n.sleep(d)
		if took := time.Since(began); took < d {
			t.Errorf("slept %v, want at least %v", took, d)
		}
	}
}
