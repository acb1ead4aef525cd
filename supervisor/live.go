package supervisor

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

// live answers /status of the admin address, which the page there asks for. A status has
// numbers, states and events. It has no text and no path of a request.
//
// The loop gives its numbers at once, and does not wait for whoever asked. All clients get
// the same status for statusTime, so many pages ask the loop as often as one.
type live struct {
	ask     asker
	past    *recent
	version string

	mu     sync.Mutex // held while a status is made
	at     time.Time  // when body was made
	status int        // of HTTP
	body   []byte
}

// statusTime is how long a status is given to whoever asks.
const statusTime = 500 * time.Millisecond

// liveStatus is the answer. Times and durations are in seconds.
type liveStatus struct {
	Time       float64       `json:"time"` // since 1970
	Pid        int           `json:"pid"`
	State      string        `json:"state"`
	Uptime     float64       `json:"uptime_seconds"`
	Version    string        `json:"version"`
	Model      string        `json:"model"`
	Listen     []string      `json:"listen"`
	Generation int           `json:"generation"`
	Wanted     int           `json:"workers_wanted"`
	Requests   uint64        `json:"requests"` // answered until now, also by workers that have gone
	Errors     uint64        `json:"errors"`   // of those, answered with 5xx
	Lost       float64       `json:"lost"`
	Durations  liveDurations `json:"durations"`
	Places     float64       `json:"places"`
	Taken      float64       `json:"places_taken"`
	Waiting    float64       `json:"waiting"` // requests that wait for a place
	Conns      float64       `json:"connections"`
	Parked     int           `json:"parked"`
	Queues     []queue       `json:"queues"`
	Workers    []liveWorker  `json:"workers"`
	Events     []past        `json:"events"`
}

// liveDurations is the histogram of how long requests have taken until now.
type liveDurations struct {
	Edges   []float64 `json:"edges"`
	Buckets []uint64  `json:"buckets"` // how many were at most as long as an edge
	Count   uint64    `json:"count"`
}

type liveWorker struct {
	Slot       int     `json:"slot"`
	Pid        int     `json:"pid"`
	Age        int     `json:"age"` // serial number
	State      string  `json:"state"`
	Generation int     `json:"generation"`
	Uptime     float64 `json:"uptime_seconds"`
	Requests   uint64  `json:"requests"`
	Errors     uint64  `json:"errors"`
	InFlight   int     `json:"in_flight"`
	Oldest     float64 `json:"oldest_request_seconds"`
	Conns      int     `json:"connections"`
	Memory     int64   `json:"memory_bytes"`
}

// ServeHTTP answers with the status, as JSON.
func (l *live) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	if time.Since(l.at) >= statusTime {
		l.make()
	}
	status, body := l.status, l.body
	l.mu.Unlock()
	if status != http.StatusOK {
		refuse(w, status, "no_status", string(body), "try again in a second")
		return
	}
	answer(w, status, body)
}

// make asks the loop. If that fails, body is the reason.
func (l *live) make() {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	var body []byte
	s, err := l.read(ctx)
	if err == nil {
		body, err = json.Marshal(s)
	}
	l.at, l.status, l.body = time.Now(), http.StatusOK, slices.Clip(body) // answer appends to a copy
	if err != nil {
		l.status, l.body = http.StatusServiceUnavailable, []byte("the master does not say what it does: "+err.Error())
	}
}

func (l *live) read(ctx context.Context) (*liveStatus, error) {
	s, err := l.ask.Status(ctx)
	if err != nil {
		return nil, err
	}
	n, err := l.ask.scrape(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	all := &liveStatus{
		Time: float64(now.UnixNano()) / 1e9, Pid: s.Pid, State: s.State, Uptime: s.Uptime.Seconds(), Version: l.version, Model: n.model,
		Listen: s.Listen, Generation: s.Generation, Wanted: s.Wanted, Requests: s.Requests, Errors: s.Errors,
		Lost:   float64(n.totals[metrics.Key(metrics.LostTotal)]),
		Places: n.gauges[metrics.Key(metrics.Places)], Taken: n.gauges[metrics.Key(metrics.PlacesTaken)],
		Waiting: n.gauges[metrics.Key(metrics.Waiting)], Conns: n.gauges[metrics.Key(metrics.Connections)], Parked: s.Parked,
		Durations: durationsOf(n.totals), Queues: n.queues, Workers: []liveWorker{}, Events: l.past.list(now),
	}
	for _, w := range s.Workers {
		memory, _ := control.Memory(w.Pid) // 0 if the worker has gone
		all.Workers = append(all.Workers, liveWorker{
			Slot: w.Slot, Pid: w.Pid, Age: w.Age, State: w.State, Generation: w.Generation, Uptime: w.Uptime.Seconds(),
			Requests: w.Requests, Errors: w.Errors, InFlight: w.InFlight, Oldest: w.Oldest.Seconds(), Conns: w.Connections, Memory: memory,
		})
	}
	return all, nil
}

// durationsOf adds up the durations of all routes.
func durationsOf(t metrics.Totals) liveDurations {
	d := liveDurations{Buckets: make([]uint64, len(metrics.Edges))}
	for _, e := range metrics.Edges {
		d.Edges = append(d.Edges, e.Seconds())
	}
	for _, h := range t.Histograms(metrics.Find(metrics.RequestDuration)) {
		for i, edge := range d.Edges {
			d.Buckets[i] += h.Buckets[edge]
		}
		d.Count += h.Count
	}
	return d
}
