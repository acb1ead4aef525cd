package supervisor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// BenchmarkScrape measures an answer of /metrics with 64 workers, step by step: adding up
// the pages of the workers, writing the answer as Prometheus asks for it (also without gzip),
// and asking the kernel about the processes. cpu-µs is the processor time.
//
//	go test -run - -bench Scrape ./supervisor
func BenchmarkScrape(b *testing.B) {
	const workers = 64
	var pages []*metrics.Page
	for range workers {
		p := metrics.NewPage(make([]byte, metrics.PageSize))
		labels := p.Labels([]string{"PERSON", "ORG", "GPE", "DATE", "CARDINAL", "NORP", "LOC", "FAC", "EVENT", "LAW", "TIME", "MONEY"})
		for i := range 2000 {
			d := time.Duration(i) * time.Duration(i) * 100
			p.Accepted(d)
			p.Computed(d, d/2)
			p.Request(metrics.RouteOf([]string{"/", "/v1/entities", "/healthz"}[i%3]), "POST", []int{200, 200, 422}[i%3], d)
			p.Text(100, 20)
		}
		for _, l := range labels {
			p.Entity(l)
		}
		pages = append(pages, p)
	}
	totals := func() metrics.Totals {
		sum := metrics.NewSum(metrics.Totals{})
		for _, p := range pages {
			sum.AddPage(p)
		}
		return sum.Totals()
	}
	in := inbox{asks: make(chan *ask), gone: make(chan struct{})}
	defer close(in.asks)
	go func() {
		for a := range in.asks {
			s := &scrape{totals: totals(), gauges: map[string]float64{}, model: "m"}
			for _, name := range []string{metrics.WorkersWanted, metrics.Ready, metrics.Parked, metrics.WorkersBusy, metrics.Places} {
				s.gauges[metrics.Key(name)] = 1
			}
			a.reply <- outcome{scrape: s}
		}
	}()
	h := newExporter(in, map[string]string{}).handler()
	answer := func(encoding string) func() {
		return func() {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
			r.Header.Set("Accept-Encoding", encoding)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Fatal(w.Code, w.Body)
			}
		}
	}
	pids := slices.Repeat([]int{os.Getpid()}, workers+1)
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"pages", func() { totals() }},
		{"plain", answer("identity")},
		{"gzip", answer("gzip")},
		{"processes", func() { usage(pids) }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			before := ownCPU()
			for b.Loop() {
				part.do()
			}
			b.ReportMetric(float64(ownCPU()-before)/float64(b.N)/1e3, "cpu-µs")
		})
	}
}
