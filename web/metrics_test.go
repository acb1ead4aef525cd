package web

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/ner"
)

// The requests of every route are counted under its own path, and no path is listed that
// is not a route.
func TestRoutesAreCounted(t *testing.T) {
	counted := []string{metrics.Other}
	for _, r := range routes {
		want := r.path
		if r.browser {
			want = "/docs"
		}
		if got := metrics.Routes[r.counted]; got != want {
			t.Errorf("requests of %s are counted under %q: add the path to metrics.Routes", r.path, got)
		}
		counted = append(counted, want)
	}
	for _, path := range metrics.Routes {
		if !slices.Contains(counted, path) {
			t.Errorf("metrics.Routes has %q, which is no route", path)
		}
	}
}

// There is a /metrics only if the service was told to have one.
func TestMetricsAreOptional(t *testing.T) {
	s := &server{}
	if r := s.routeOf("/metrics"); r != nil {
		t.Errorf("without Options.Metrics there is %q", r.path)
	}
	s.Metrics = func(context.Context, string) (string, []byte, error) { return "", nil, nil }
	if s.routeOf("/metrics") == nil {
		t.Error("with Options.Metrics there is no /metrics")
	}
}

// Only requests that were refused before they computed count as rejected, by reason.
func TestRejections(t *testing.T) {
	s := &server{}
	for reason, failures := range map[string][]*failure{
		"unauthorized":      {errNoToken, errWrongToken},
		"limit_concurrency": {errOver},
		"queue_timeout":     {errLate},
		"limit_buffers":     {s.reason(gate.ErrMemory)},
		"slow_client":       {s.reason(gate.ErrTimeout)},
		"malformed":         {s.reason(io.ErrUnexpectedEOF), {status: 431, kind: "header_too_large"}},
		"":                  {errEmpty, errLeaving, errInternal, notFound("/x"), tookTooLong(1, 1)},
	} {
		for _, f := range failures {
			got := ""
			if why, ok := f.rejects(); ok {
				got = metrics.Reasons[why]
			}
			if got != reason {
				t.Errorf("%d, %q counts as rejected for %q, want %q", f.status, f.message, got, reason)
			}
		}
	}
}

// The tokens of every text are counted, whether the answer has them or not. A recognizer
// that does not tell them counts none.
func TestTokensAreCounted(t *testing.T) {
	for _, c := range []struct {
		recognizer ner.Recognizer
		want       float64
	}{{fake{}, 5 + 2*3}, {instant{}, 0}} {
		words := make([]uint64, metrics.PageSize/8)
		page := metrics.NewPage(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), metrics.PageSize))
		s := serve(t, gate.Options{Counts: page}, Options{Recognizer: c.recognizer})
		bodies := map[string]string{"/": `{"text":"one two three four."}`, "/v1/entities": `{"text":"one two."}`}
		if c.want > 0 {
			bodies["/v1/entities"] = `{"texts":["one two.","one two."],"include":["tokens"]}`
		}
		for path, body := range bodies {
			resp, err := http.Post("http://"+s.addr+path, "application/json", strings.NewReader(body))
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(path, resp, err)
			}
			resp.Body.Close()
		}
		sum := metrics.NewSum(metrics.Totals{})
		sum.AddPage(page)
		var got float64
		for _, n := range sum.Totals().Counters(metrics.Find(metrics.TokensTotal)) {
			got += n.Number
		}
		if got != c.want {
			t.Errorf("%T: %v tokens, want %v", c.recognizer, got, c.want)
		}
	}
}
