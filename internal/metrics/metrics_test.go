package metrics

import (
	"log/slog"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func newPage() *Page {
	words := make([]uint64, PageSize/8)
	return NewPage(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), PageSize))
}

// What is counted is found in the totals by name, and again after they were added and cut
// into parts.
func TestTotals(t *testing.T) {
	p := newPage()
	p.Request(RouteOf("/"), "POST", 200, 60*time.Microsecond)
	p.Request(RouteOf("/"), "POST", 200, 50*time.Microsecond)
	p.Request(RouteOf("/"), "POST", 200, time.Minute)
	p.Request(RouteOf("/nowhere"), "BREW", 418, time.Millisecond)
	p.Unread(0, "GET", 503)
	p.Computed(time.Microsecond, time.Second)
	p.Accepted(4 * time.Millisecond)
	p.Text(7, 2)
	p.Text(8, 0)
	p.Rejected(Malformed)
	for _, l := range []slog.Level{slog.LevelWarn, slog.LevelError, slog.LevelError} {
		p.Logged(SeverityOf(l))
	}
	labels := p.Labels([]string{"PERSON", "A|B"})
	p.Entity(labels["PERSON"])
	p.Entity(labels["A|B"])
	p.Entity(labels["A|B"])
	p.Entity(OtherLabel)

	one := totalsOf(p)
	total := Totals{}
	for _, part := range one.Parts(3) {
		total.Raise(part)
	}
	total.Add(one)

	counters := func(name string) map[string]float64 {
		all := map[string]float64{}
		for _, c := range total.Counters(Find(name)) {
			all[Key(c.Values...)] = c.Number
		}
		return all
	}
	for name, want := range map[string]map[string]float64{
		RequestsTotal:  {"/|POST|200": 6, "other|other|4xx": 2, "other|GET|503": 2},
		TextsTotal:     {"": 4},
		TextBytesTotal: {"": 30},
		TokensTotal:    {"": 4},
		RejectedTotal:  {"malformed": 2},
		LogTotal:       {"warning": 2, "error": 4},
		EntitiesTotal:  {"PERSON": 2, "A|B": 4, "other": 2},
		RestartsTotal:  {},
	} {
		if diff := cmp.Diff(want, counters(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if all, failed := total.Requests(); all != 10 || failed != 2 {
		t.Errorf("%d requests, %d failed, want 10 and 2", all, failed)
	}
	if all, failed := p.Requests(); all != 5 || failed != 1 {
		t.Errorf("the page has %d requests, %d failed, want 5 and 1", all, failed)
	}
	durations := map[string]Histogram{}
	for _, h := range total.Histograms(Find(RequestDuration)) {
		durations[h.Values[0]] = h
	}
	h := durations["/"]
	if h.Count != 6 || h.Buckets[50e-6] != 2 || h.Buckets[100e-6] != 4 || h.Buckets[10] != 4 || h.Sum != 2*(60+110e-6) || len(durations) != 2 {
		t.Errorf("durations %+v", durations)
	}
	if h := total.Histograms(Find(ComputeDuration)); len(h) != 1 || h[0].Count != 2 || h[0].Buckets[1] != 2 || h[0].Buckets[0.75] != 0 || h[0].Values != nil {
		t.Errorf("compute %+v", h)
	}
	if h := total.Histograms(Find(AcceptWait)); len(h) != 1 || h[0].Count != 2 || h[0].Sum != 0.008 {
		t.Errorf("accept wait %+v", h)
	}

	if diff := cmp.Diff(Totals{"b": 2, "c": 4}, (Totals{"a": 1, "b": 3, "c": 4, "d": 1}).Since(Totals{"a": 1, "b": 1, "d": 2})); diff != "" {
		t.Errorf("Since (-want +got):\n%s", diff)
	}

	p.Reset()
	if empty := totalsOf(p); len(empty) != 0 {
		t.Errorf("after Reset the page has %v", empty)
	}
}

// totalsOf returns the numbers of a page.
func totalsOf(p *Page) Totals {
	s := NewSum(Totals{})
	s.AddPage(p)
	return s.Totals()
}

// Goroutines count at the same time.
func TestConcurrent(t *testing.T) {
	p := newPage()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				p.Request(1, "GET", 200, time.Millisecond)
			}
		})
	}
	all.Wait()
	if n, _ := p.Requests(); n != 8000 {
		t.Errorf("%d requests, want 8000", n)
	}
}

// Every edge that OpenTelemetry recommends is one of ours, so that both kinds of dashboards
// work.
func TestEdges(t *testing.T) {
	have := map[float64]bool{}
	for i, e := range Edges {
		have[e.Seconds()] = true
		if i > 0 && e <= Edges[i-1] {
			t.Errorf("edge %v is not larger than %v", e, Edges[i-1])
		}
	}
	for _, e := range []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 50e-6} {
		if !have[e] {
			t.Errorf("there is no edge %v", e)
		}
	}
}

func TestCodes(t *testing.T) {
	for status, want := range map[int]string{200: "200", 299: "2xx", 499: "499", 505: "505", 599: "5xx", 600: "5xx", -1: "5xx", 101: "1xx", 7: "1xx"} {
		if got := Codes[codeOf(status)]; got != want {
			t.Errorf("%d counts as %s, want %s", status, got, want)
		}
	}
}

// BenchmarkCount is what a request with one text and three entities writes.
func BenchmarkCount(b *testing.B) {
	p := newPage()
	labels := p.Labels([]string{"PERSON", "ORG", "GPE"})
	for b.Loop() {
		p.Text(120, 20)
		for _, l := range [...]string{"PERSON", "ORG", "GPE"} {
			p.Entity(labels[l])
		}
		p.Accepted(0)
		p.Computed(3*time.Microsecond, 400*time.Microsecond)
		p.Request(1, "POST", 200, 420*time.Microsecond)
	}
}
