package web

import (
	"context"
	"io"
	"slices"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/metrics"
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
