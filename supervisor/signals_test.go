package supervisor

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Every signal that a master acts on has a line in the first table of docs/signals.md.
func TestSignalsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/signals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Signals to the master")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, s := range append(stopSignals, otherSignals...) {
		name := strings.TrimPrefix(unix.SignalName(s.(syscall.Signal)), "SIG")
		if !regexp.MustCompile(`(?m)^\| [A-Z0-9, ]*\b` + name + `\b`).MatchString(table) {
			t.Errorf("docs/signals.md does not say what %s does to a master", name)
		}
	}
}
