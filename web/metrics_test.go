package web

import (
	"slices"
	"testing"

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
