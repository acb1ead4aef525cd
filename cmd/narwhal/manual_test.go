package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/config"
)

// needTool skips a test if a program is missing. In CI it fails the test.
func needTool(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("there is no %s: scripts/setup-tests installs it", tool)
	}
	t.Skipf("there is no %s: scripts/setup-tests installs it", tool)
}

func printed(t *testing.T, line string) string {
	t.Helper()
	o := try(t, line)
	if o.status != 0 || o.err.Len() > 0 {
		t.Fatalf("narwhal %s: status %d, %s", line, o.status, &o.err)
	}
	return o.out.String()
}

// The manual page in the repository is the one that narwhal prints. go test
// ./cmd/narwhal -update writes it.
func TestManual(t *testing.T) {
	const file = "../../docs/narwhal.1"
	page := printed(t, "manual")
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), page); diff != "" {
		t.Errorf("docs/narwhal.1 is not what the tables say; go test ./cmd/narwhal -update:\n%s", diff)
	}
}

// mandoc finds no fault in the page, and shows every setting and signal, and some of the
// commands and examples.
func TestManualIsWhole(t *testing.T) {
	needTool(t, "mandoc")
	page := filepath.Join(t.TempDir(), "narwhal.1")
	if err := os.WriteFile(page, []byte(printed(t, "manual")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mandoc", "-T", "lint", "-W", "style", page).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc -T lint: %v\n%s", err, out)
	}
	out, err := exec.Command("mandoc", "-T", "utf8", "-O", "width=200", page).Output()
	if err != nil {
		t.Fatal(err)
	}
	shown := string(bytes.ReplaceAll(out, []byte("_\b"), nil))
	for i := strings.IndexByte(shown, '\b'); i > 0; i = strings.IndexByte(shown, '\b') { // a bold letter is printed over itself
		shown = shown[:i-1] + shown[i+1:]
	}
	var wanted []string
	for _, s := range config.Table() {
		wanted = append(wanted, s.Spellings()+"\n")
		if !s.Switch {
			wanted = append(wanted, "Variable: "+s.Variable()+".")
		}
	}
	for _, s := range masterSignals {
		wanted = append(wanted, "\n       "+s.name)
	}
	wanted = append(wanted, "narwhal model pull [NAME]", "narwhal ner [TEXT | FILE ...]", "narwhal stop", "--slo", "cores ÷ workers",
		`-d '{"text":"Angela Merkel was born in Hamburg."}'`, `{"text": …, "ents": [{"text", "label", "start", "end"}]}`)
	for _, want := range wanted {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}
