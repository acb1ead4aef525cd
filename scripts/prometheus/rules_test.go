package prometheus

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// Each alert fires when it should, and does not in a service that is well.
func TestRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", rules},
		{"test", "rules", strings.TrimSuffix(rules, ".yml") + "_test.yml"},
	} {
		out, err := exec.Command(tool(t, "promtool"), args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alerts returns the names of the alerts, in the order of the file.
func alerts(t *testing.T) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(read(t, rules), -1) {
		names = append(names, m[1])
	}
	if len(names) < 10 {
		t.Fatalf("%s has the alerts %v, want at least 10", rules, names)
	}
	return names
}

// Each alert has its heading in docs/operations.md, in the same order, and each heading has
// its alert. promtool's tests have an alert of each name that fires.
func TestEachAlertIsExplained(t *testing.T) {
	want := alerts(t)
	var headings []string
	for _, part := range strings.Split(read(t, runbook), "\n### ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		headings = append(headings, name)
		for _, say := range []string{"**It means:** ", "**Look at:** ", "**Do:** "} {
			if !strings.Contains(text, "\n"+say) {
				t.Errorf("%s: %s has no %q", runbook, name, say)
			}
		}
	}
	if !slices.Equal(headings, want) {
		t.Errorf("%s has the headings\n%v\nand %s the alerts\n%v", runbook, headings, rules, want)
	}
	tested := read(t, strings.TrimSuffix(rules, ".yml")+"_test.yml")
	for _, name := range want {
		if !strings.Contains(tested, `alertname="`+name+`", severity=`) {
			t.Errorf("no test of %s fires", name)
		}
	}
}

// panel is a panel of a dashboard, as far as the tests read it.
type panel struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

// queries returns the queries of the dashboard, by the title of the panel.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	var d struct {
		Panels      []panel
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(read(t, dashboard)), &d); err != nil {
		t.Fatalf("%s: %v", dashboard, err)
	}
	all := map[string][]string{}
	for i, p := range d.Panels {
		for _, other := range d.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if p.ID == other.ID || a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("the panels %q and %q have one number or one place", p.Title, other.Title)
			}
		}
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], target.Expr)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q has no query", p.Title)
		}
	}
	for _, a := range d.Annotations.List {
		all[a.Name] = append(all[a.Name], a.Expr)
	}
	var first []string
	for _, p := range d.Panels[1:5] {
		first = append(first, p.Title)
	}
	if want := []string{"Latency", "Traffic", "Errors", "Saturation"}; !slices.Equal(first, want) {
		t.Errorf("the first panels are %v, want the golden signals %v", first, want)
	}
	return all
}

// The alerts and the dashboard ask only for metrics that narwhal has, and the dashboard names
// only alerts that exist.
func TestMetricsExist(t *testing.T) {
	known := map[string]bool{}
	for _, f := range metrics.Table {
		known[f.Name] = true
		if f.Kind == metrics.Histograms {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				known[f.Name+end] = true
			}
		}
	}
	texts := map[string]string{rules: read(t, rules)}
	for title, all := range queries(t) {
		texts[title] = strings.Join(all, "\n")
	}
	found := 0
	for where, text := range texts {
		for _, name := range regexp.MustCompile(`\b(narwhal|process)_\w+`).FindAllString(text, -1) {
			found++
			if !known[name] {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d names of metrics were found", found)
	}
	names := alerts(t)
	for _, name := range regexp.MustCompile(`\bNarwhal\w+`).FindAllString(read(t, dashboard), -1) {
		if !slices.Contains(names, name) {
			t.Errorf("%s names the alert %s, which does not exist", dashboard, name)
		}
	}
}
