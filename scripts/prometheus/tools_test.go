// Package prometheus tests what narwhal brings for operators: the alerts and the dashboard
// in deploy, with Debian's Prometheus.
package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The files under test, seen from this folder.
const (
	rules     = "../../deploy/prometheus/rules.yml"
	dashboard = "../../deploy/grafana/narwhal.json"
	runbook   = "../../docs/operations.md"
)

// tool returns the path of a program of Debian's package prometheus. In CI a missing one is
// a failure.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, place := range []string{name, "../../.cache/promtool/usr/bin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			if path, err = filepath.Abs(path); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: scripts/setup-tests installs it", name)
	}
	t.Skipf("%s is not installed: scripts/setup-tests installs it", name)
	return ""
}
