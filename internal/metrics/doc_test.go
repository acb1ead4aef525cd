package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md anew")

const (
	tableBegins = "<!-- Made of internal/metrics/table.go by go test ./internal/metrics -update. -->\n"
	tableEnds   = "<!-- The end of the table. -->\n"
)

// docs/metrics.md has every metric of the table.
func TestDocument(t *testing.T) {
	const file = "../../docs/metrics.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), tableBegins)
	have, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	var want strings.Builder
	want.WriteString("\n| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range Table {
		labels := ""
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Kind, f.Unit, labels, strings.TrimSpace(f.Help+" "+f.More))
	}
	want.WriteString("\n")
	if have == want.String() {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the table: go test ./internal/metrics -update writes it", file)
	}
	if err := os.WriteFile(file, []byte(before+tableBegins+want.String()+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
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
