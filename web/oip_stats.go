package web

import (
	"sync"
	"time"
)

// inferStats counts the inferences of a model in this worker.
type inferStats struct {
	mu      sync.Mutex
	last    time.Time // the end of the last inference that succeeded
	texts   int       // of the inferences that succeeded
	success duration
	fail    duration
}

// duration counts requests, and the time from the request to the answer.
type duration struct {
	Count int64 `json:"count"`
	NS    int64 `json:"ns"`
}

// add counts one inference that began at start. err is its error.
func (i *inferStats) add(start time.Time, texts int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := &i.fail
	if err == nil {
		d = &i.success
		i.texts += texts
		i.last = time.Now()
	}
	d.Count++
	d.NS += time.Since(start).Nanoseconds()
}

// oipStats answers GET /v2/models/{name}/stats and GET /v2/models/stats. The numbers are
// those of the worker that answers.
func (s *server) oipStats(r *request) error {
	asked := s.models
	if r.part("name") != "" {
		m, f := s.oipModel(r)
		if f != nil {
			return f
		}
		asked = []*model{m}
	}
	type stats struct {
		Success duration `json:"success"`
		Fail    duration `json:"fail"`
	}
	type modelStats struct {
		Name           string `json:"name"`
		Version        string `json:"version"`
		LastInference  int64  `json:"last_inference"` // milliseconds since 1970; 0: none
		InferenceCount int    `json:"inference_count"`
		ExecutionCount int64  `json:"execution_count"`
		InferenceStats stats  `json:"inference_stats"`
	}
	var all []modelStats
	for _, m := range asked {
		i := &m.infers
		i.mu.Lock()
		one := modelStats{m.name, m.version, 0, i.texts, i.success.Count, stats{i.success, i.fail}}
		if !i.last.IsZero() {
			one.LastInference = i.last.UnixMilli()
		}
		i.mu.Unlock()
		all = append(all, one)
	}
	return r.marshal(struct {
		ModelStats []modelStats `json:"model_stats"`
	}{all})
}
