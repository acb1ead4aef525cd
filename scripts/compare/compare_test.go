package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

func TestTexts(t *testing.T) {
	texts := makeTexts(1000)
	seen := map[string]bool{}
	for _, text := range texts {
		if seen[text] {
			t.Fatalf("twice: %q", text)
		}
		seen[text] = true
		if strings.ContainsAny(text, "{}") {
			t.Fatalf("a word was not replaced: %q", text)
		}
		if n := len(text); n < paragraphLength-60 || n > paragraphLength+120 {
			t.Fatalf("%d bytes: %q", n, text)
		}
	}
	if again := makeTexts(1000); again[999] != texts[999] {
		t.Error("the same number gave other texts")
	}
}

func TestSameJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":"X","b":"Y"}`, `{"b": "Y", "a": "X"}`, true},
		{`{"Z\u00fcrich":"GPE"}`, `{"Zürich":"GPE"}`, true},
		{`{"a":"X"}`, `{"a":"Y"}`, false},
		{`{}`, `{"a":"Y"}`, false},
		{`null`, `null`, false},
		{`{`, `{`, false},
	} {
		if got := sameJSON([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("sameJSON(%s, %s) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		values, want []float64
	}{
		{[]float64{3, 40}, []float64{2, 5, 10, 20, 50}},
		{[]float64{0, 0.5, 900}, []float64{0.1, 1, 10, 100, 1000}},
		{nil, []float64{1, 10}},
	} {
		got := logTicks(c.values)
		for i := range c.want {
			if len(got) != len(c.want) || got[i]/c.want[i] < 0.999 || got[i]/c.want[i] > 1.001 {
				t.Errorf("logTicks(%v) = %v, want %v", c.values, got, c.want)
				break
			}
		}
	}
}

// made returns a harness with made-up figures. Gunicorn sync wins one cell in them.
func made() *harness {
	h := &harness{plan: tiny()}
	h.plan.workers = []int{1, 2}
	h.results.alone, h.results.cells = map[aloneKey][]alone{}, map[cellKey][]trial{}
	for i, k := range kinds {
		v := float64(10 - i)
		for _, w := range h.plan.workers {
			h.results.alone[aloneKey{k.name, w}] = []alone{{v, 10 * v}}
			for _, l := range h.plan.loads {
				for _, wait := range []bool{false, true} {
					key := cellKey{k.name, wait, w, l.client, l.texts}
					h.results.cells[key] = []trial{{seconds: v, p50: v / 2, p99: v, serverCPU: v, clientCPU: 1}}
				}
			}
		}
		h.results.reloads = append(h.results.reloads, reload{k.name, []probe{{-0.1, v, false}, {0.1, v, i == 0}}})
	}
	key := cellKey{"Flask + Gunicorn sync", false, 2, h.plan.loads[0].client, h.plan.loads[0].texts}
	h.results.cells[key] = []trial{{seconds: 0.01, p50: 9, p99: 9, serverCPU: 99, errors: map[string]int{"status 503": 2}}, {seconds: 0.01, p50: 9, p99: 9, serverCPU: 99}}
	waited := waiting.Figures{Capacity: 100, Requests: 1000, P50: 0.01, P99: 0.02, IdealP50: 0.01, IdealP99: 0.02}
	h.results.queues = []queue{{kinds[0].name, 1, waited, 0.01, 0.02}, {"narwhal sync", 12, waited, 0.01, 0.02}}
	for _, what := range []string{"bytes", "workers", "connections", "threads"} {
		h.results.scales = append(h.results.scales, scaling{what, []scaledSeries{
			{"narwhal concurrent", []scaled{{1, 9, 1, 1, 1, 1, 0}, {10, 9, 1, 1, 1, 1, 0}}},
			{kinds[0].name, []scaled{{1, 8, 2, 2, 2, 2, 0}, {10, 8, 2, 2, 2, 2, 0}}},
		}})
	}
	h.results.sweeps = []sweep{{kinds[0].name, 100, []point{{50, 50, 0.01, 0.02, 0}, {90, 90, 0.02, 0.2, 3}}}}
	return h
}

func TestPlotsAreXML(t *testing.T) {
	for name, c := range made().plots() {
		svg := c.svg()
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s has a coordinate that is no number", name)
		}
	}
}

func TestReportSaysLosses(t *testing.T) {
	var b strings.Builder
	made().report(&b, "Made up.")
	for _, want := range []string{
		"CPU-bound, w=2, aiohttp, one paragraph: narwhal sync takes 600.00 s per 1000, Flask + Gunicorn sync 1.00",
		"| Flask + Gunicorn sync | 1000.00 | 1.00 (1.00–1.00), 2 errors |",
		"![latency during a reload](benchmark-reload.svg)",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if got := len(made().findLosses()); got != 2 {
		t.Errorf("findLosses gives %d lines, want 2: %q", got, made().findLosses())
	}
}

func TestQuickIsPartOfFull(t *testing.T) {
	f, q := full(), quick()
	if q.steps() >= f.steps() || q.requests >= f.requests || f.loads[0].trials != 5 || f.loads[0].workers != nil || f.requests != 1000 {
		t.Errorf("full %+v, quick %+v", f, q)
	}
}

func TestPlanRunsSyncServersWithOneClientWhileTheyWait(t *testing.T) {
	p := full()
	for _, c := range []struct {
		name string
		load int // of the waiting table
		want int
	}{
		{"Flask + Gunicorn sync", 0, 5}, {"narwhal sync", 0, 5}, {"narwhal sync", 1, 0},
		{"narwhal concurrent", 0, p.waitLoads[0].trials}, {"FastAPI + Uvicorn", 1, p.waitLoads[1].trials},
	} {
		n := 0
		for i := range 10 {
			if p.runs(kindOf(c.name), p.waitLoads[c.load], true, i) {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s, waiting load %d: %d trials, want %d", c.name, c.load, n, c.want)
		}
	}
}

func TestTextsOf(t *testing.T) {
	for _, length := range []int{50, paragraphLength, 64 * paragraphLength} {
		texts := textsOf(length, 20)
		for i, text := range texts {
			if len(text) > length || len(text) < length-30 {
				t.Errorf("text %d is of %d bytes, want %d", i, len(text), length)
			}
			if i > 0 && text == texts[i-1] {
				t.Errorf("%d bytes: texts %d and %d are equal", length, i-1, i)
			}
		}
	}
}

func TestReplaceBetween(t *testing.T) {
	page := "a\n" + readmeBegin + "\nold\n" + readmeEnd + "\nz\n"
	got, err := replaceBetween(page, "new\n")
	if want := "a\n" + readmeBegin + "\nnew\n" + readmeEnd + "\nz\n"; err != nil || got != want {
		t.Errorf("replaceBetween = %q, %v, want %q", got, err, want)
	}
	if _, err := replaceBetween("a\n", "new\n"); err == nil {
		t.Error("a page without the lines was taken")
	}
}

// If a server is more than a thousand requests behind, none of them counts as failed.
func TestOpenLoopSendsWhateverIsUnanswered(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		io.WriteString(w, "{}")
	}))
	defer s.Close()
	time.AfterFunc(time.Second, func() { close(release) })
	r, err := bench.Run(t.Context(), waiting.OpenLoop(bench.Options{URL: s.URL, DisableKeepAlive: true}, 3000, 500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if r.Dropped > 0 || r.Failed() > 0 || r.OK < 1200 {
		t.Errorf("%d right, %d failed, %d not sent; want about 1500, 0 and 0", r.OK, r.Failed(), r.Dropped)
	}
}

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	steady, uneven := track{0}, track{0}
	for i := range 5000 {
		steady = append(steady, time.Duration(i+1)*2*ms)
		step := 2 * ms
		if i/500%2 == 1 { // every second 500 computations take twice as long
			step = 4 * ms
		}
		uneven = append(uneven, uneven[i]+step)
	}
	if got, want := steady.after(3100*time.Microsecond), 5100*time.Microsecond; got != want {
		t.Errorf("what begins at 3.1 ms ends at %v, want %v", got, want)
	}
	if got, want := uneven.after(999*ms), 1002*ms; got != want {
		t.Errorf("half of 2 ms and half of 4 ms from 0.999 s on end at %v, want %v", got, want)
	}
	if got, want := steady.after(time.Minute), time.Minute+2*ms; got != want {
		t.Errorf("what begins after the end of the track ends at %v, want %v", got, want)
	}
	if p := paceOf([]track{steady, steady}); math.Abs(p.ratio-1) > 1e-6 || math.Abs(p.p50-0.002) > 1e-9 {
		t.Errorf("even processors: %+v, want the ratio 1", p)
	}
	if p := paceOf([]track{uneven, uneven}); p.ratio < 2 {
		t.Errorf("processors slower than the requests for a second: %+v, want a ratio above 2", p)
	}
}

func TestWriteBatches(t *testing.T) {
	h := &harness{plan: tiny()}
	h.results.batches = []batchRow{
		{how: "a file", name: "nlp.pipe", python: true, seconds: []float64{8, 10, 30}},
		{how: "a file", name: "narwhal ner", seconds: []float64{0.5, 0.6, 0.4}, wrong: 1},
		{how: "requests", name: "narwhal", seconds: []float64{1}},
	}
	name := filepath.Join(t.TempDir(), "benchmark.md")
	const rest = "\n" + scaleTitle + "rest\n"
	if err := os.WriteFile(name, []byte("before\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	var all [2]string
	for i := range all {
		if err := h.writeBatches(name, "Measured with 100 % care."); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(b)
	}
	if all[0] != all[1] {
		t.Errorf("the second time it writes\n%s\nand the first\n%s", all[1], all[0])
	}
	want := "before\n\n" + batchTitle + "Measured with 100 % care.\n\n"
	if !strings.HasPrefix(all[0], want) || !strings.HasSuffix(all[0], rest) ||
		!strings.Contains(all[0], "| a file | narwhal ner | 0.50 | 20 | **20.0 ×** | 1 |\n| requests | narwhal | 1.00 | 10 |  | 0 |\n") {
		t.Errorf("the report is\n%s", all[0])
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.writeBatches(name, ""); err == nil {
		t.Error("a report without sections was changed")
	}
}
