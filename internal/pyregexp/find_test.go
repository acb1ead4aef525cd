package pyregexp

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestFindAll has answers of Python's finditer, in bytes.
func TestFindAll(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          []Match
	}{
		{"a|ab", "ab", []Match{{0, 1}}},
		{"ab|a", "ab", []Match{{0, 2}}},
		{"(a|ab)(c|bcd)", "abcd", []Match{{0, 4}}},
		{"a*", "baac", []Match{{0, 0}, {1, 3}, {3, 3}, {4, 4}}},
		{"a*?", "aa", []Match{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}}},
		{"a+?", "aa", []Match{{0, 1}, {1, 2}}},
		{"a{1,2}?b", "aab", []Match{{0, 3}}},
		{"(|a)+", "aa", []Match{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}}},
		{"", "é", []Match{{0, 0}, {2, 2}}},
		{"(?<=[a-z])(?=[A-Z])", "camelCaseX", []Match{{5, 5}, {9, 9}}},
		{"(?<=é)-(?=é)", "é-é-x", []Match{{2, 3}}},
		{"(?<=ab)c", "abcc", []Match{{2, 3}}},
		{"^a|b", "ab ab", []Match{{0, 1}, {1, 2}, {4, 5}}},
		{"^a", "aa", []Match{{0, 1}}},
		{"a$", "a\n", []Match{{0, 1}}},
		{"a$", "a\n\n", nil},
		{"$", "a\n", []Match{{1, 1}, {2, 2}}},
		{`\Z`, "a\n", []Match{{2, 2}}},
		{"(?m)$", "a\nb\n", []Match{{1, 1}, {3, 3}, {4, 4}}},
		{"(?m)^.", "a\nb", []Match{{0, 1}, {2, 3}}},
		{`\b`, "a b", []Match{{0, 0}, {1, 1}, {2, 2}, {3, 3}}},
		{`\B`, "ab", []Match{{1, 1}}},
		{"a(?:.*b)?", "aaba", []Match{{0, 3}, {3, 4}}},
		{"(?=.*b)a", "aba", []Match{{0, 1}}},
		{"(?!.*b)a", "aba", []Match{{2, 3}}},
		{"x*(?<!x)", "axx", []Match{{0, 0}, {1, 1}}},
		{"(?:a|b??)*c", "abbc", []Match{{0, 4}}},
		{`(?:(?:a|b|){2}|[a-z]{2}){1,3}`, "tba1", []Match{{0, 0}, {0, 3}, {3, 3}, {4, 4}}},
		{`(?:|a){0,2}`, "aa", []Match{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}}},
		{`(?:|a){1,3}b`, "aab", []Match{{0, 3}}},
		{`(?:|a|bc){0,3}`, "abca", []Match{{0, 0}, {0, 1}, {1, 1}, {1, 3}, {3, 3}, {3, 4}, {4, 4}}},
		{`(?:|a){2,4}`, "aaaaa", []Match{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 3}, {3, 4}, {4, 4}, {4, 5}, {5, 5}}},
		{`(?:b|a??){2,3}`, "abab", []Match{{0, 0}, {0, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 4}, {4, 4}}},
	} {
		s, err := CompileSet(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		text := s.NewText()
		for range 2 { // the second search has the states of the first one
			text.Reset(test.text)
			if diff := cmp.Diff(test.want, s.FindAll(text, 0, 0, len(test.text), nil)); diff != "" {
				t.Errorf("%q in %q, -Python +got:\n%s", test.pattern, test.text, diff)
			}
		}
	}
}

// TestFindInPart checks that nothing outside of a part of a text is seen.
func TestFindInPart(t *testing.T) {
	s, err := CompileSet(`(?<=a)b`, `^b`, `b$`, `\bb\b`, `b(?=c)`, `(?<!aa)b`, `(?=b+c)b`, `(?<=a.)c`)
	if err != nil {
		t.Fatal(err)
	}
	const in = "aabc"
	text := s.NewText()
	text.Reset(in)
	for i, want := range []struct{ all, part bool }{{true, false}, {false, true}, {false, true}, {false, true}, {true, false}, {false, true}, {true, false}, {true, false}} {
		if _, _, ok := s.Find(text, i, 0, len(in)); ok != want.all {
			t.Errorf("expression %d in %q: %t", i, in, ok)
		}
		if start, end, ok := s.Find(text, i, 2, 3); ok != want.part || ok && (start != 2 || end != 3) {
			t.Errorf("expression %d in the b of %q: %d, %d, %t", i, in, start, end, ok)
		}
		if ok := s.Match(text, i, 2, 3); ok != want.part {
			t.Errorf("expression %d matches at the b of %q: %t", i, in, ok)
		}
	}
}

func TestErrorNamesExpression(t *testing.T) {
	_, err := CompileSet("a", "b(", "c")
	if e := (*Error)(nil); !errors.As(err, &e) || e.Index != 1 {
		t.Errorf("error %v, want one of the second expression", err)
	}
}

// TestAllow has searches that need a time that grows with the square of the text.
func TestAllow(t *testing.T) {
	for _, pattern := range []string{"a(?:.*b)?", "a(?=(.*b)?)", "(?=a{0,150}(?:a{0,150}b)?)a"} {
		s, err := CompileSet(pattern)
		if err != nil {
			t.Fatal(err)
		}
		in := strings.Repeat("a", 20_000)
		text := s.NewText()
		text.Reset(in)
		text.Allow(1_000_000)
		s.FindAll(text, 0, 0, 10, nil)
		if err := text.Err(); err != nil {
			t.Errorf("%q in ten letters: %v", pattern, err)
		}
		if pattern == "a(?:.*b)?" {
			s.FindAll(text, 0, 0, len(in), nil)
			if !errors.Is(text.Err(), ErrTooMuch) {
				t.Errorf("%q: error %v, want ErrTooMuch", pattern, text.Err())
			}
			text.Allow(1_000_000)
		}
		if _, _, ok := s.Find(text, 0, 0, 10); !ok || text.Err() != nil {
			t.Errorf("%q: %t, error %v after Allow", pattern, ok, text.Err())
		}
	}
}

// TestStatesAreForgotten has an expression with more states than a machine keeps.
func TestStatesAreForgotten(t *testing.T) {
	s, err := CompileSet("(?:a|b)*a(?:a|b){16}$")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, x := 0, uint32(1); i < 100_000; i++ {
		x = x*1664525 + 1013904223
		b.WriteByte('a' + byte(x>>31))
	}
	in := b.String()
	text := s.NewText()
	text.Reset(in)
	_, end, ok := s.Find(text, 0, 0, len(in))
	if want := in[len(in)-17] == 'a'; ok != want || ok && end != len(in) {
		t.Errorf("found %t up to %d, want %t", ok, end, want)
	}
	if m := s.exprs[0].first; m.memory > 2*maxMemory {
		t.Errorf("the states take %d bytes", m.memory)
	}
}

func TestManyGoroutines(t *testing.T) {
	s, err := CompileSet(`(?<=[a-z]{2})-(?=[a-z]{2})|\w+(?:\.\w+)*`)
	if err != nil {
		t.Fatal(err)
	}
	const in = "ab-cd a.b.c é-é aa-bb x"
	want := func() []Match {
		text := s.NewText()
		text.Reset(in)
		return s.FindAll(text, 0, 0, len(in), nil)
	}()
	s.exprs[0].first.states.Store(s.exprs[0].first.newStates())
	s.exprs[0].starts.states.Store(s.exprs[0].starts.newStates())
	done := make(chan []Match)
	for range 8 {
		go func() {
			text := s.NewText()
			text.Reset(in)
			done <- s.FindAll(text, 0, 0, len(in), nil)
		}()
	}
	for range 8 {
		if diff := cmp.Diff(want, <-done); diff != "" {
			t.Errorf("-alone +beside others:\n%s", diff)
		}
	}
}

// FuzzFind checks that the ways to search agree, and that no expression is a panic.
func FuzzFind(f *testing.F) {
	f.Add(`(?<=[a-z])-(?=[a-z])|\.$`, "a-b.")
	f.Add(`^(?:(?:[\w\+\-\.]{2,})://)?(?:\S+(?::\S*)?@)?(?!10)(?:a{0,62}\.)+b{2,63}(?::\d{2,5})?(?:[/?#]\S*)?$`, "http://a.bb/")
	f.Add(`(?i)(a|b??)*\b$`, "aBé\n")
	f.Add(`(?=.*b)(?!(?<=a)b)`, "abab")
	f.Fuzz(func(t *testing.T, pattern, in string) {
		if !utf8.ValidString(in) || len(in) > 1000 {
			return // no text of a tokenizer
		}
		s, err := CompileSet(pattern)
		re, err2 := Compile(pattern)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("CompileSet: %v, Compile: %v", err, err2)
		}
		if err != nil {
			return
		}
		text := s.NewText()
		text.Reset(in)
		text.Allow(10_000_000)
		all := s.FindAll(text, 0, 0, len(in), nil)
		start, end, ok := s.Find(text, 0, 0, len(in))
		match := s.Match(text, 0, 0, len(in))
		if text.Err() != nil {
			return
		}
		if ok != (len(all) > 0) || ok && (Match{start, end}) != all[0] {
			t.Errorf("%q in %q: Find %d, %d, %t, FindAll %v", pattern, in, start, end, ok, all)
		}
		if found := re.Search(in); found != ok {
			t.Errorf("%q in %q: Search %t, Find %t", pattern, in, found, ok)
		}
		if match != (ok && start == 0) {
			t.Errorf("%q in %q: Match %t, Find %d, %t", pattern, in, match, start, ok)
		}
		at := -1
		for _, m := range all {
			if m.Start > m.End || m.Start < at || !utf8.ValidString(in[m.Start:m.End]) {
				t.Errorf("%q in %q: %v", pattern, in, all)
			}
			at = m.End
		}
	})
}
