package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The first line in the log of a server without a pipeline says so. When a pipeline is
// installed, a reload makes the server use it.
func TestAutoOfAServer(t *testing.T) {
	dir := t.TempDir()
	s := startNarwhal(t, dir, "-b", "127.0.0.1:0")
	eventually(t, "the log has a line", func() bool { return strings.Contains(s.logged(), "\n") })
	first, _, _ := strings.Cut(s.logged(), "\n")
	for _, want := range []string{"no spaCy pipeline is installed, so prose answers, and its answers differ from spaCy's", "narwhal model pull installs en_core_web_sm"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first line of the log is %q, want %q in it", first, want)
		}
	}
	const apple = `{"text":"Apple is looking at buying a startup for $1 billion."}`
	if got := s.ask(apple); strings.Contains(got, "MONEY") {
		t.Errorf("without a pipeline it answers %s", got)
	}

	sm := quickModel(t)
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sm, filepath.Join(dir, "models", "en_core_web_md")); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGHUP)
	eventually(t, "the installed pipeline answers", func() bool { return strings.Contains(s.ask(apple), `"$1 billion":"MONEY"`) })
	if n := strings.Count(s.logged(), "no spaCy pipeline"); n != 1 {
		t.Errorf("the warning stands in the log %d times, want once", n)
	}
}
