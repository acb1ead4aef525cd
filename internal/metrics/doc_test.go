package metrics

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/doctable"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md anew")

// docs/metrics.md has every metric of the table.
func TestDocument(t *testing.T) {
	var want strings.Builder
	want.WriteString("| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range Table {
		labels := ""
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Kind, f.Unit, labels, strings.TrimSpace(f.Help+" "+f.More))
	}
	doctable.Check(t, "../../docs/metrics.md", "internal/metrics/table.go", want.String(), *update)
}

// Names and help have the form that Prometheus recommends.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Table {
		if names[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		names[f.Name] = true
		if (f.Kind == Counts) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s is a %s: counters, and only they, end in _total", f.Name, f.Kind)
		}
		if unit := f.Unit; (unit == "seconds" || unit == "bytes") && !strings.HasSuffix(strings.TrimSuffix(f.Name, "_total"), "_"+unit) {
			t.Errorf("%s has the unit %s, which its name does not say", f.Name, unit)
		}
		if !strings.HasSuffix(f.Help, ".") || len(f.Zeros) > 0 && len(f.Labels) != 1 {
			t.Errorf("%s: help %q, labels %v, zeros %v", f.Name, f.Help, f.Labels, f.Zeros)
		}
	}
}
