package bench

import (
	"encoding/json"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run has measured. Requests counts every request that was begun and
// not given up. Each of them is in OK, or has failed by its status or by an error.
type Report struct {
	Target string // GET http://127.0.0.1:5000/
	Mode   string // ModeBurst, ModeClosed or ModeOpen
	Load   string // the mode and the number of requests, in words

	Requests int
	OK       int            // status 200, complete, and right if checked
	Checked  bool           // answers to one text were compared; if not, OK says nothing about their content
	Status   map[int]int    // of all complete answers
	Errors   map[string]int // by kind: ErrRefused …

	// FirstError is the text of the first error of each kind.
	FirstError map[string]string

	Dropped    int // open loop: not begun, because MaxInFlight was reached
	Unfinished int // begun or due, and given up after ctx ended
	Connects   int // connections opened, or tried
	Reconnects int // kept connections found closed before a request was sent
	Retries    int // GET requests sent again, because a kept connection was closed during them

	// Trials has the time of each complete trial, from its start to its last answer.
	Trials  []time.Duration
	Elapsed time.Duration // of all trials, the incomplete one included

	// Service is the time from when the client begins a request, connecting included,
	// to the last byte of the answer. Response is the time from when the request was
	// due: at the start of the trial, or at its time in the open loop. Response is nil in
	// the closed loop, where no request is due at any time. Both are in nanoseconds, and
	// only of the requests in OK.
	Service, Response *hdrhistogram.Histogram

	MaxLag time.Duration // open loop: how late the client was at most with a request
	CPU    time.Duration // user and system time of this process during the run

	Interrupted bool // ctx ended before the run did

	Answers    []json.RawMessage // with Check: the first answer to each text
	Difference *Difference       // with Check: the first two that differ
}

// Failed returns the number of requests that are not in OK.
func (r *Report) Failed() int { return r.Requests - r.OK }

// Latency returns how long a user waits: Response, or Service in the closed loop.
func (r *Report) Latency() *hdrhistogram.Histogram {
	if r.Response != nil {
		return r.Response
	}
	return r.Service
}

// Percentile returns a percentile of the latency; 100 is the maximum. It returns 0 if no
// request is in OK.
func (r *Report) Percentile(p float64) time.Duration {
	return quantile(r.Latency(), p)
}

func quantile(h *hdrhistogram.Histogram, p float64) time.Duration {
	switch {
	case h.TotalCount() == 0:
		return 0
	case p >= 100:
		return time.Duration(h.Max())
	}
	return time.Duration(h.ValueAtPercentile(p))
}

// PerSecond returns the requests in OK per second of Elapsed.
func (r *Report) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK) / r.Elapsed.Seconds()
}

// Average returns the mean time of the complete trials, 0 if there is none.
func (r *Report) Average() time.Duration {
	if len(r.Trials) == 0 {
		return 0
	}
	var sum time.Duration
	for _, t := range r.Trials {
		sum += t
	}
	return sum / time.Duration(len(r.Trials))
}

// percentiles are the ones that a report shows, in their order.
var percentiles = []struct {
	name string
	p    float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// MarshalJSON returns the report for programs. Times are in seconds.
func (r *Report) MarshalJSON() ([]byte, error) {
	trials := make([]float64, len(r.Trials))
	for i, t := range r.Trials {
		trials[i] = t.Seconds()
	}
	return json.Marshal(struct {
		Target      string             `json:"target"`
		Mode        string             `json:"mode"`
		Load        string             `json:"load"`
		Requests    int                `json:"requests"`
		OK          int                `json:"ok"`
		Checked     bool               `json:"checked"`
		Failed      int                `json:"failed"`
		Dropped     int                `json:"dropped"`
		Unfinished  int                `json:"unfinished"`
		Interrupted bool               `json:"interrupted"`
		Status      map[int]int        `json:"status"`
		Errors      map[string]int     `json:"errors"`
		FirstError  map[string]string  `json:"first_error"`
		Trials      []float64          `json:"trials_s"`
		Average     float64            `json:"average_s"`
		Elapsed     float64            `json:"elapsed_s"`
		PerSecond   float64            `json:"requests_per_s"`
		Service     map[string]float64 `json:"service_s,omitempty"`
		Response    map[string]float64 `json:"response_s,omitempty"`
		Connects    int                `json:"connects"`
		Reconnects  int                `json:"reconnects"`
		Retries     int                `json:"retries"`
		MaxLag      float64            `json:"max_lag_s"`
		CPU         float64            `json:"client_cpu_s"`
		Difference  *Difference        `json:"difference,omitempty"`
	}{
		r.Target, r.Mode, r.Load, r.Requests, r.OK, r.Checked, r.Failed(), r.Dropped, r.Unfinished, r.Interrupted,
		r.Status, r.Errors, r.FirstError,
		trials, r.Average().Seconds(), r.Elapsed.Seconds(), r.PerSecond(),
		summary(r.Service), summary(r.Response),
		r.Connects, r.Reconnects, r.Retries, r.MaxLag.Seconds(), r.CPU.Seconds(), r.Difference,
	})
}

func summary(h *hdrhistogram.Histogram) map[string]float64 {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	m := map[string]float64{"mean": h.Mean() / 1e9, "min": time.Duration(h.Min()).Seconds()}
	for _, p := range percentiles {
		m[p.name] = quantile(h, p.p).Seconds()
	}
	return m
}
