package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"
)

// rule is a rule of prometheus-adapter's configuration file.
type rule struct {
	SeriesQuery string `json:"seriesQuery"`
	Resources   struct {
		Overrides map[string]struct {
			Resource string `json:"resource"`
		} `json:"overrides"`
	} `json:"resources"`
	Name struct {
		As string `json:"as"`
	} `json:"name"`
	MetricsQuery string `json:"metricsQuery"`
}

func adapterRule(t *testing.T) rule {
	t.Helper()
	text, err := os.ReadFile(deploy + "/prometheus-adapter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Rules []rule `json:"rules"`
	}
	if err := yaml.UnmarshalStrict(text, &config); err != nil || len(config.Rules) != 1 {
		t.Fatalf("%d rules, %v, want 1", len(config.Rules), err)
	}
	return config.Rules[0]
}

// The rule's query, filled in as prometheus-adapter does it, gives the part of the places
// that computed. Prometheus itself evaluates it.
func TestAdapterRule(t *testing.T) {
	r := adapterRule(t)
	for _, label := range []string{"namespace", "pod"} {
		if r.Resources.Overrides[label].Resource != label {
			t.Errorf("the label %s is not mapped", label)
		}
	}
	fill, err := template.New("").Delims("<<", ">>").Parse(r.MetricsQuery)
	if err != nil {
		t.Fatal(err)
	}
	var query strings.Builder
	if err := fill.Execute(&query, map[string]string{"LabelMatchers": `namespace="shop",pod=~"narwhal-1|narwhal-2|narwhal-3"`, "GroupBy": "pod"}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, value any) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	type m = map[string]any
	rules := write("rules.yaml", m{"groups": []m{{"name": "adapter", "rules": []m{{"record": r.Name.As, "expr": query.String()}}}}})
	series := func(metric, pod, values string) m {
		return m{"series": fmt.Sprintf("%s{namespace=%q,pod=%q}", metric, "shop", pod), "values": values}
	}
	tests := write("tests.yaml", m{
		"rule_files": []string{rules}, "evaluation_interval": "10s",
		"tests": []m{{
			"interval": "10s",
			"input_series": []m{
				series("narwhal_busy_seconds_total", "narwhal-1", "0+14x30"), // 1.4 of 2 places
				series("narwhal_places", "narwhal-1", "2x30"),
				series("narwhal_busy_seconds_total", "narwhal-2", "0+10x30"), // 1 of 4
				series("narwhal_places", "narwhal-2", "4x30"),
				series("narwhal_busy_seconds_total", "narwhal-3", "0x30"), // no worker is ready
				series("narwhal_places", "narwhal-3", "0x30"),
				series("narwhal_busy_seconds_total", "other", "0+10x30"),
				series("narwhal_places", "other", "1x30"),
			},
			"promql_expr_test": []m{{
				"expr": r.Name.As, "eval_time": "4m",
				"exp_samples": []m{
					{"labels": r.Name.As + `{pod="narwhal-1"}`, "value": 0.7},
					{"labels": r.Name.As + `{pod="narwhal-2"}`, "value": 0.25},
					{"labels": r.Name.As + `{pod="narwhal-3"}`, "value": 0},
				},
			}},
		}},
	})
	if out, err := exec.Command(promtool(t), "test", "rules", tests).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, query.String(), out)
	}
}

// promtool returns the program that scripts/setup-tests has installed.
func promtool(t *testing.T) string {
	t.Helper()
	for _, place := range []string{"promtool", "../../.cache/promtool/usr/bin/promtool"} {
		if file, err := exec.LookPath(place); err == nil {
			return file
		}
	}
	t.Fatal("promtool is missing: scripts/setup-tests installs it")
	return ""
}
