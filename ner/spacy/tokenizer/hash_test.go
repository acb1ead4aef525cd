package tokenizer

import (
	"strings"
	"testing"
)

func TestStringID(t *testing.T) {
	// The numbers are spaCy's: nlp.vocab.strings[s].
	tests := []struct {
		s    string
		want uint64
	}{
		{"", 0},
		{"apple", 8566208034543834098},
		{"Apple", 6418411030699964375},
		{"coffee", 3197928453018144401},
		{"é", 16256712947286012828},
		{"\u00a0", 3443622981070210256},
		{"’", 9283054155332335931},
		{"12345678", 9871996032675327904},
		{"123456789", 2056675840866671865},
		// Symbols: the first and the last one of each part of the table.
		{"IS_ALPHA", 1},
		{"IS_CURRENCY", 18},
		{"FLAG19", 19},
		{"FLAG63", 63},
		{"ID", 64},
		{"NORM", 67},
		{"X", 101},
		{"SPACE", 103},
		{"DEPRECATED001", 104},
		{"DEPRECATED276", 379},
		{"PERSON", 380},
		{"ORG", 383},
		{"mark", 423},
		{"number", 432},
		{"_", 456},
	}
	for _, tt := range tests {
		if got := stringID(tt.s); got != tt.want {
			t.Errorf("stringID(%q) = %d, want %d", tt.s, got, tt.want)
		}
		if got := stringID([]byte(tt.s)); got != tt.want {
			t.Errorf("stringID([]byte(%q)) = %d, want %d", tt.s, got, tt.want)
		}
	}
}

func TestSymbolsAreComplete(t *testing.T) {
	if got := len(symbols.names) - 1; got != 456 {
		t.Errorf("%d symbols, want 456", got)
	}
	for id, name := range symbols.names {
		if got := stringID(name); got != uint64(id) {
			t.Errorf("stringID(%q) = %d, want %d", name, got, id)
		}
	}
}

func BenchmarkStringID(b *testing.B) {
	for _, s := range []string{"e", "the", "possessive", strings.Repeat("long", 25)} {
		b.Run(s[:min(len(s), 10)], func(b *testing.B) {
			for b.Loop() {
				stringID(s)
			}
		})
	}
}
