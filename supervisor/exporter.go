package supervisor

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// exporter writes the numbers for Prometheus. It is a prometheus.Collector.
type exporter struct {
	ask   asker
	build map[string]string // values of metrics.BuildLabels, without the model
	descs map[string]*prometheus.Desc
}

// newExporter returns an exporter that asks the loop behind in.
func newExporter(in inbox, build map[string]string) *exporter {
	e := &exporter{asker{in}, build, map[string]*prometheus.Desc{}}
	for _, f := range metrics.Table {
		e.descs[f.Name] = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	}
	return e
}

// handler answers in Prometheus' text format or in OpenMetrics, whichever the client wants.
func (e *exporter) handler() http.Handler {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(e)
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// Describe implements prometheus.Collector.
func (e *exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range e.descs {
		ch <- d
	}
}

// scrapeTime is how long the loop may take to give its numbers.
const scrapeTime = 5 * time.Second

// Collect implements prometheus.Collector.
func (e *exporter) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	s, err := e.ask.scrape(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(e.descs[metrics.Ready], err)
		return
	}
	gauges := e.gauges(s)
	for i := range metrics.Table {
		f := &metrics.Table[i]
		desc := e.descs[f.Name]
		switch f.Kind {
		case metrics.Counts:
			for _, c := range withZeros(f, s.totals.Counters(f)) {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, c.Number, c.Values...)
			}
		case metrics.Gauges:
			for _, c := range withZeros(f, gauges[f.Name]) {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, c.Number, c.Values...)
			}
		case metrics.Histograms:
			for _, h := range s.totals.Histograms(f) {
				ch <- prometheus.MustNewConstHistogram(desc, h.Count, h.Sum, h.Buckets, h.Values...)
			}
		}
	}
}

// gauges returns all gauges by the name of their metric.
func (e *exporter) gauges(s *scrape) map[string][]metrics.Counter {
	all := map[string][]metrics.Counter{}
	for i := range metrics.Table {
		f := &metrics.Table[i]
		if f.Kind != metrics.Gauges {
			continue
		}
		for key, n := range s.gauges {
			if values, ok := f.Values(key); ok {
				all[f.Name] = append(all[f.Name], metrics.Counter{Values: values, Number: n})
			}
		}
	}
	for name, n := range usage(s.pids) {
		all[name] = []metrics.Counter{{Number: n}}
	}
	all[metrics.ProcessStart] = []metrics.Counter{{Number: s.start}}
	var build []string
	for _, label := range metrics.BuildLabels {
		if label == "model" {
			build = append(build, s.model)
		} else {
			build = append(build, e.build[label])
		}
	}
	all[metrics.BuildInfo] = []metrics.Counter{{Values: build, Number: 1}}
	return all
}

// withZeros adds the numbers that are 0 and are shown all the same: of a metric without
// labels, and of the labels that the table names.
func withZeros(f *metrics.Family, have []metrics.Counter) []metrics.Counter {
	if len(f.Labels) == 0 && len(have) == 0 {
		return []metrics.Counter{{}}
	}
	known := map[string]bool{}
	for _, c := range have {
		if len(c.Values) == 1 {
			known[c.Values[0]] = true
		}
	}
	for _, value := range f.Zeros {
		if !known[value] {
			have = append(have, metrics.Counter{Values: []string{value}})
		}
	}
	return have
}
