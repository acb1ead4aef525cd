package requestid

import (
	"strings"
	"testing"
)

func TestTake(t *testing.T) {
	for _, id := range []string{"x", "!~", strings.Repeat("a", 128)} {
		if got := Take(id); got != id {
			t.Errorf("Take(%q) = %q, want the same", id, got)
		}
	}
	for _, id := range []string{"", "a b", "a\n", "\x7f", "é", strings.Repeat("a", 129)} {
		got := Take(id)
		if got == id || len(got) < 20 || Take(got) != got {
			t.Errorf("Take(%q) = %q, want a new id", id, got)
		}
		if again := Take(id); again == got {
			t.Errorf("Take(%q) is %q twice", id, got)
		}
	}
}
