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

func TestTraceparent(t *testing.T) {
	const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for sent, want := range map[string]bool{
		valid:                    true,
		"cc" + valid[2:]:         true,
		"cc" + valid[2:] + "-x":  true,
		"cc" + valid[2:] + "x":   false,
		"cc" + valid[2:] + "-\n": false,
		"ff" + valid[2:]:         false,
		valid + "-x":             false,
		valid[:54]:               false,
		"":                       false,
		strings.ToUpper(valid):   false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00": true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01": false,
		"cc" + valid[2:] + "-" + strings.Repeat("x", 200):         false,
	} {
		if got := ValidTraceparent([]byte(sent)); got != want {
			t.Errorf("%q: %v, want %v", sent, got, want)
		}
	}
}
