package bench

import (
	"encoding/json"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run has measured. Every request that was begun and not given
// up is in Requests; it is in OK, or it has failed by its status or by an error.
type Report struct {
	Target string // GET http://127.0.0.1:5000/
	Mode   string // ModeBurst, ModeClosed or ModeOpen
	Load   string // the same and how much, in words

	Requests int
	OK       int            // status 200, complete, and right if checked
	Checked  bool           // answers to one text were compared; otherwise OK says nothing of their content
	Status   map[int]int    // of all complete answers
	Errors   map[string]int // by kind: ErrRefused …

	// FirstError is the text of the first error of each kind.
	FirstError map[string]string

	Dropped    int // open loop: not begun, because MaxInFlight was reached
	Unfinished int // begun or due, and given up when the run was ended from outside
	Connects   int // connections opened, or tried
	Reconnects int // kept connections found closed before a request was sent
	Retries    int // GET requests sent again, because a kept connection was closed on them

	// Trials has the seconds of each complete trial, from its start to its last answer.
	Trials  []time.Duration
	Elapsed time.Duration // of all trials, the incomplete one included

	// Service is from the moment the client turns to a request, connecting
	// included, to the last byte of the answer. Response is the same from the
	// moment the request was due: the start of the trial, or its time in the open
	// loop. It is nil in the closed loop, where no request is ever due.
	// Both are in nanoseconds, of the requests in OK.
	Service, Response *hdrhistogram.Histogram

	MaxLag time.Duration // open loop: the latest the client was with a request
	CPU    time.Duration // user and system time of this process during the run

	Interrupted bool // ctx ended before the run did

	Answers    []json.RawMessage // with Check: the first answer to each text
	Difference *Difference       // with Check: the first two that differ
}

// Failed is how many requests did not get an answer that is in OK.
func (r *Report) Failed() int { return r.Requests - r.OK }

// Latency is what a user waits: Response, or Service in the closed loop.
func (r *Report) Latency() *hdrhistogram.Histogram {
	if r.Response != nil {
		return r.Response
	}
	return r.Service
}

// Percentile is a point of the latency. There is none, and it is 0, if no
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

// PerSecond is the requests in OK per second.
func (r *Report) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK) / r.Elapsed.Seconds()
}

// Average is the mean of the trials, 0 if none was completed.
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

// percentiles are those shown, in their order.
var percentiles = []struct {
	name string
	p    float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// MarshalJSON is the form for machines. Times are in seconds.
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
