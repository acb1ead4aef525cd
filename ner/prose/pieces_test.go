package prose

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPieces checks that prose gets only small pieces of any text, and every word once.
func TestPieces(t *testing.T) {
	sentence := "Angela Merkel was born in Hamburg. "
	for name, text := range map[string]string{
		"sentences":    strings.Repeat(sentence, 1000),
		"paragraphs":   strings.Repeat(strings.Repeat(sentence, 20)+"\n\n", 50),
		"no sentences": strings.Repeat("word ", 10000),
		"dots":         strings.Repeat(".", 100000),
		"brackets":     strings.Repeat(strings.Repeat("(", maxMarks)+strings.Repeat("x", maxSpan-maxMarks)+" ", 400),
		"marks":        strings.Repeat(strings.Repeat("(.", maxMarks)+" word ", 400),
		"no blanks":    strings.Repeat("word", 100000),
		"blanks":       strings.Repeat(" ", 100000) + "word" + strings.Repeat("\n", 100000),
		"wide":         strings.Repeat("“word” ", 10000),
		"blobs":        strings.Repeat(sentence+strings.Repeat("x", maxSpan+1), 100),
		"not UTF-8":    strings.Repeat("\xff ", 50000) + "\xe2\x80",
	} {
		want := 0
		for _, word := range strings.Fields(text) {
			if len(word) <= maxSpan && strings.Count(word, ".")+strings.Count(word, "(") <= maxMarks {
				want++
			}
		}
		got, at := 0, 0
		for from := 0; from < len(text); {
			piece, next := nextPiece(text, from)
			if next <= from {
				t.Fatalf("%s: the piece at byte %d ends at %d", name, from, next)
			}
			from = next
			size := 0
			for _, s := range piece {
				if s.start < at || s.end <= s.start || s.end-s.start > maxSpan {
					t.Fatalf("%s: span %d to %d after byte %d", name, s.start, s.end, at)
				}
				at = s.end
				size += len(s.clean) + 1
			}
			if size > maxPiece {
				t.Errorf("%s: a piece of %d bytes, want at most %d", name, size, maxPiece)
			}
			got += len(piece)
		}
		if got != want {
			t.Errorf("%s: pieces have %d words, want %d", name, got, want)
		}
	}
}

func TestPiecesEndWhereSentencesDo(t *testing.T) {
	long := strings.Repeat("A sentence of six words here. ", 500)
	for _, test := range []struct {
		name, text, ends string
	}{
		{"sentence", long, "here."},
		{"quoted sentence", strings.ReplaceAll(long, "here.", "“here?”"), "“here?”"},
		{"paragraph", strings.Repeat("One. ", 400) + strings.Repeat("Two. ", 100) + "End.\n\n" + long, "End."},
		{"blob", "One. Two " + strings.Repeat("x", 1000) + " Three.", "Two"},
		{"whole text", "One.\n\nTwo.\n\nThree", "Three"},
	} {
		piece, _ := nextPiece(test.text, 0)
		last := piece[len(piece)-1]
		if got := test.text[last.start:last.end]; got != test.ends {
			t.Errorf("%s: the first piece ends with %q, want %q", test.name, got, test.ends)
		}
	}
}

func TestCleanAndOrigin(t *testing.T) {
	for _, test := range []struct{ span, clean string }{
		{"word", "word"},
		{"“it’s”", `"it's"`},
		{"don&rsquo;t", "don't"},
		{"Ⱥngela", "Ⱥngela"},
		{"Ⱥngela's", "Xngela's"},
		{"GROẞ’S", "GROX'S"},
		{"KİK's", "KXK's"},
		{"\xff's", "X's"},
		{"&rsq“uo;", `&rsq"uo;`},
		{"X’X", "X'X"},
	} {
		text := "ab " + test.span + " cd"
		s := nextSpan(text, 2)
		if s.clean != test.clean || text[s.start:s.end] != test.span {
			t.Errorf("nextSpan(%q) shows %q, want %q", text, s.clean, test.clean)
		}
		if n := s.origin(text, len(s.clean)); n != s.end {
			t.Errorf("the end of %q is mapped to byte %d of %q, want %d", s.clean, n, text, s.end)
		}
		for i := range s.clean {
			if n := s.origin(text, i); !utf8.RuneStart(text[n]) {
				t.Errorf("byte %d of %q is mapped into a character of %q", i, s.clean, text)
			}
		}
	}
}

// FuzzSplit checks that the tokens of a span, joined, are its beginning. Their offsets are
// computed from that.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"(it'sx,)", "'sx", "can't.", `"x"`, "n'tn'tn't", "John's.", ":)))", "$(1.000)", "a’s’ll"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := nextSpan(text, 0)
		words := split(s.clean)
		if joined := strings.Join(words, ""); !strings.HasPrefix(s.clean, joined) {
			t.Fatalf("split(%q) = %q, not a beginning of it", s.clean, words)
		}
		if s.clean != "" && words == nil && !strings.HasPrefix(s.clean, "'") && !strings.HasPrefix(strings.ToLower(s.clean), "n't") {
			t.Fatalf("split(%q) is empty", s.clean)
		}
	})
}
