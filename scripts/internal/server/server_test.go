package server

import (
	"strings"
	"testing"
)

func TestStartThatFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for program, want := range map[string]string{
		"false":        "did not start: exit status 1",
		"no-such-file": "`make build` makes it",
	} {
		if _, err := Start(t.Context(), program, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start of %s: %v, want %q", program, err, want)
		}
	}
}
