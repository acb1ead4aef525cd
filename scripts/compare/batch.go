package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// Many texts at once: in requests with a list of texts, and in a file without a server.
// spaCy has nlp.pipe for both.

const (
	batchSize      = 100 // texts of a request
	batchClients   = 4   // clients that send one request after the other
	batchProcesses = 2   // of nlp.pipe for a file
)

// batchRow is a row of the table.
type batchRow struct {
	how, name string
	python    bool
	seconds   []float64 // of each trial
	wrong     int       // texts with other entities than spaCy's, of all trials
}

// spans are the entities of a text, as /v1/entities, narwhal ner --jsonl and app.py write
// them.
type spans struct {
	Ents []struct {
		Text, Label string
		Start, End  int
	}
}

// measureBatches measures only the batches.
func (h *harness) measureBatches(ctx context.Context) error {
	if err := h.prepare(ctx); err != nil {
		return err
	}
	return h.batches(ctx)
}

// batches measures both ways. The servers take turns.
func (h *harness) batches(ctx context.Context) error {
	texts := h.texts[1 : 1+h.plan.batchTexts]
	file := h.path("batch.jsonl")
	var lines bytes.Buffer
	for _, text := range texts {
		if err := json.NewEncoder(&lines).Encode(map[string]string{"text": text}); err != nil {
			return err
		}
	}
	if err := os.WriteFile(file, lines.Bytes(), 0o644); err != nil {
		return err
	}
	var want []spans // spaCy's, from the first run of app.py
	add := func(r batchRow, got []spans, took time.Duration) {
		wrong := 0
		for i := range want {
			if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
				wrong++
			}
		}
		rows := &h.results.batches
		for i := range *rows {
			if (*rows)[i].how == r.how && (*rows)[i].name == r.name {
				(*rows)[i].seconds, (*rows)[i].wrong = append((*rows)[i].seconds, took.Seconds()), (*rows)[i].wrong+wrong
				return
			}
		}
		r.seconds, r.wrong = []float64{took.Seconds()}, wrong
		*rows = append(*rows, r)
	}
	for i := range h.plan.batchTrials {
		for _, r := range []batchRow{
			{how: "a file", name: fmt.Sprintf("nlp.pipe(n_process=%d)", batchProcesses), python: true},
			{how: "a file", name: "narwhal ner --jsonl"},
		} {
			got, took, err := h.file(ctx, r.python, file)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if want == nil {
				want = got
			}
			add(r, got, took)
			h.step("batch     trial %d/%d  %s  %-24s %.2f s", i+1, h.plan.batchTrials, r.how, r.name, took.Seconds())
		}
		for _, k := range kinds {
			if k.sync || k.python && k.name != "FastAPI + Uvicorn" {
				continue
			}
			got, took, err := h.requests(ctx, k, texts)
			if err != nil {
				return fmt.Errorf("%s, batches: %w", k.name, err)
			}
			r := batchRow{how: "requests", name: k.name, python: k.python}
			if k.python {
				r.name = "nlp.pipe, " + k.name
			}
			add(r, got, took)
			h.step("batch     trial %d/%d  %s  %-24s %.2f s", i+1, h.plan.batchTrials, r.how, r.name, took.Seconds())
		}
	}
	return nil
}

// file has a program without a server read the texts of a file. The time is that of the
// whole program, with its start.
func (h *harness) file(ctx context.Context, python bool, name string) (got []spans, took time.Duration, err error) {
	cmd := exec.CommandContext(ctx, h.narwhal, "ner", "--jsonl", name)
	if python {
		in, err := os.Open(name)
		if err != nil {
			return nil, 0, err
		}
		defer in.Close()
		cmd = exec.CommandContext(ctx, h.venv("python"), "app.py", strconv.Itoa(batchProcesses))
		cmd.Dir, cmd.Stdin = h.source, in
		cmd.Env = append(os.Environ(), noBytecode)
	}
	cmd.Stderr = os.Stderr
	began := time.Now()
	out, err := cmd.Output()
	took = time.Since(began)
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(out)) {
		var s spans
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			return nil, 0, fmt.Errorf("%w in %.100q", err, line)
		}
		got = append(got, s)
	}
	return got, took, nil
}

// requests sends the texts to a server with sweepWorkers workers, batchSize a request, by
// batchClients clients that keep their connections. The time is that from the first
// request to the last answer.
func (h *harness) requests(ctx context.Context, k kind, texts []string) (got []spans, took time.Duration, err error) {
	s, err := h.startServer(ctx, k, sweepWorkers, false)
	if err != nil {
		return nil, 0, err
	}
	defer s.stop()
	if _, err := h.benchTrial(ctx, s.url, load{first: 0, count: len(h.texts)}, aloneRequests*sweepWorkers); err != nil { // warm up
		return nil, 0, err
	}
	got = make([]spans, len(texts))
	errs := make([]error, batchClients)
	next := make(chan int)
	var all sync.WaitGroup
	began := time.Now()
	for i := range errs {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for first := range next {
				if errs[i] == nil {
					errs[i] = askBatch(ctx, client, s.url+"v1/entities", texts[first:min(first+batchSize, len(texts))], got[first:])
				}
			}
		})
	}
	for first := 0; first < len(texts); first += batchSize {
		next <- first
	}
	close(next)
	all.Wait()
	took = time.Since(began)
	for _, err := range errs {
		if err != nil {
			return nil, 0, err
		}
	}
	return got, took, nil
}

// askBatch sends one request and writes its results to got.
func askBatch(ctx context.Context, client *http.Client, url string, texts []string, got []spans) error {
	body, err := json.Marshal(map[string][]string{"texts": texts})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := client.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var answer struct{ Results []spans }
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return err
	}
	if r.StatusCode != 200 || len(answer.Results) != len(texts) {
		return fmt.Errorf("status %d, %d results of %d texts", r.StatusCode, len(answer.Results), len(texts))
	}
	copy(got, answer.Results)
	return nil
}

const batchTitle = "## Many texts at once\n\n"

// writeBatches replaces the section about batches in a report of an earlier run, or adds it
// before the section that follows it. The section then says when it was measured.
func (h *harness) writeBatches(name, about string) error {
	report, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, after, found := strings.Cut(string(report), batchTitle)
	if found {
		_, after, found = strings.Cut(after, "\n"+scaleTitle)
	} else {
		before, after, found = strings.Cut(string(report), scaleTitle)
	}
	if !found {
		return fmt.Errorf("%s has no section %q: make compare writes it", name, strings.TrimSpace(scaleTitle))
	}
	var b strings.Builder
	b.WriteString(before)
	h.batchTable(&b, about+"\n\n")
	b.WriteString(scaleTitle + after)
	return renameio.WriteFile(name, []byte(b.String()), 0o644)
}

// batchTable writes the section about batches. about follows its title.
func (h *harness) batchTable(b *strings.Builder, about string) {
	b.WriteString(batchTitle + about)
	fmt.Fprintf(b, "%d different texts. Requests: %d texts a request, %d clients, w=%d. File: the whole program, with its start. "+
		"The entities and their offsets were compared with those of nlp.pipe. Medians of %s.\n\n",
		h.plan.batchTexts, batchSize, batchClients, sweepWorkers, plural(h.plan.batchTrials, "trial"))
	head(b, "texts in", "program", "seconds", "texts/s", "narwhal", "wrong texts")
	for _, r := range h.results.batches {
		seconds := stats.Median(r.seconds)
		times := ""
		for _, p := range h.results.batches {
			if !r.python && p.python && p.how == r.how {
				times = fmt.Sprintf("**%.1f ×**", stats.Median(p.seconds)/seconds)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %.0f | %s | %d |\n", r.how, r.name, seconds, float64(h.plan.batchTexts)/seconds, times, r.wrong)
	}
	b.WriteByte('\n')
}
