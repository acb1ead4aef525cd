package logevent

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

// Readers look for Text in a line, so no name may be the beginning of another one.
func TestNames(t *testing.T) {
	for i, a := range Table {
		if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(string(a.Name)) {
			t.Errorf("%q: want words in lower case, joined by _", a.Name)
		}
		if a.When == "" || !strings.HasSuffix(a.When, ".") {
			t.Errorf("%s: %q is not a sentence that says when", a.Name, a.When)
		}
		for j, b := range Table {
			if i != j && strings.HasPrefix(string(a.Name), string(b.Name)) {
				t.Errorf("%q begins with %q", a.Name, b.Name)
			}
		}
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	l := slog.New(slog.NewTextHandler(&out, nil))
	WorkerHeavy.Log(l, "it is heavy", "memory", 7, "hint", "")
	WorkerHeavy.Log(l, "it is heavy", "hint", "do this")
	got := regexp.MustCompile(`time=\S+ `).ReplaceAllString(out.String(), "")
	const want = "level=WARN msg=\"it is heavy\" event=worker_heavy memory=7\n" +
		"level=WARN msg=\"it is heavy\" event=worker_heavy hint=\"do this\"\n"
	if got != want {
		t.Errorf("the log has\n%swant\n%s", got, want)
	}
}
