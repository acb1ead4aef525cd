package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// notSpacys is the error of an answer that is not spaCy's. ask.py uses the same text.
const notSpacys = "not spaCy's answer"

// trial is the measurement of one batch of requests that are sent at once.
type trial struct {
	seconds   float64
	p50, p99  float64 // seconds from the start of the trial to a right answer
	serverCPU float64
	clientCPU float64
	errors    map[string]int
}

// load says which client sends which texts. A trial is one load on one server.
type load struct {
	client string // "aiohttp" or "narwhal bench"
	texts  string // name of the texts in the report
	first  int    // index of the first text in the harness's texts
	count  int    // number of texts

	trials  int
	workers []int // nil: all of the plan
}

// loads returns the four loads. Text 0 is the paragraph, and the different texts follow.
func loads(different int) []load {
	return []load{
		{client: "aiohttp", texts: "one paragraph", first: 0, count: 1, trials: 1},
		{client: "aiohttp", texts: "different texts", first: 1, count: different, trials: 1},
		{client: "narwhal bench", texts: "one paragraph", first: 0, count: 1, trials: 1},
		{client: "narwhal bench", texts: "different texts", first: 1, count: different, trials: 1},
	}
}

// run sends n requests to the server at once, and checks every answer.
func (h *harness) run(ctx context.Context, s *server, l load, n int) (*trial, error) {
	pids := proc.Tree(s.proc.Pid)
	before := proc.CPU(pids...)
	var t *trial
	var err error
	if l.client == "aiohttp" {
		t, err = h.asker.trial(s.url, l, n)
	} else {
		t, err = h.benchTrial(ctx, s.url, l, n)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", s.name, l.client, err)
	}
	t.serverCPU = (proc.CPU(pids...) - before).Seconds()
	return t, nil
}

func (h *harness) benchTrial(ctx context.Context, url string, l load, n int) (*trial, error) {
	r, err := bench.Run(ctx, bench.Options{
		URL: url, Requests: n, Texts: h.texts[l.first : l.first+l.count], Check: true, Drain: time.Second,
	})
	if err != nil || len(r.Trials) == 0 {
		return nil, errors.Join(err, ctx.Err())
	}
	t := &trial{
		seconds: r.Trials[0].Seconds(), clientCPU: r.CPU.Seconds(),
		p50: r.Percentile(50).Seconds(), p99: r.Percentile(99).Seconds(),
		errors: r.Errors,
	}
	for status, count := range r.Status {
		if status != 200 {
			t.errors[fmt.Sprintf("status %d", status)] += count
		}
	}
	for i, a := range r.Answers {
		if a != nil && !sameJSON(a, h.answers[l.first+i]) {
			t.errors[notSpacys]++
		}
	}
	return t, nil
}

// sameJSON reports whether two objects are equal. The order of the keys does not count,
// because Flask sorts them.
func sameJSON(a, b []byte) bool {
	var x, y map[string]string
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x != nil && reflect.DeepEqual(x, y)
}

// asker is a running ask.py.
type asker struct{ *proc.Talk }

func (h *harness) startAsker() (*asker, error) {
	cmd := exec.Command(h.venv("python"), "ask.py", h.path("texts.jsonl"), h.path("answers.jsonl"))
	cmd.Dir = h.source
	cmd.Env = append(os.Environ(), noBytecode)
	cmd.Stderr = os.Stderr
	talk, err := proc.StartTalk(cmd)
	if err != nil {
		return nil, fmt.Errorf("start ask.py: %w", err)
	}
	return &asker{talk}, nil
}

func (a *asker) trial(url string, l load, n int) (*trial, error) {
	command, err := json.Marshal(map[string]any{"url": url, "requests": n, "first": l.first, "texts": l.count})
	if err != nil {
		return nil, err
	}
	line, err := a.Ask(string(command))
	if err != nil {
		return nil, fmt.Errorf("ask.py ended: %w", err)
	}
	var r struct {
		Seconds, CPU float64
		Latencies    []float64
		Errors       map[string]int
	}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return nil, fmt.Errorf("ask.py: %w", err)
	}
	return &trial{
		seconds: r.Seconds, clientCPU: r.CPU, errors: r.Errors,
		p50: stats.Quantile(r.Latencies, 0.5), p99: stats.Quantile(r.Latencies, 0.99),
	}, nil
}
