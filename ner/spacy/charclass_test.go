package spacy

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseCharClass(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{`[abc]`, "abc"},
		{`(?<=[a-c])x`, "abc"},
		{`[+\-\*^](?=[0-9])`, "*+-^"},
		{`[0-3-]`, "-0123"},
		{`[-a]`, "-a"},
		{`[\]\\\[]`, `[\]`},
		{`[a\u00e9-\u00ebz]`, "azéêë"},
		{`[\U0001F600-\U0001F602\u2603]`, "☃😀😁😂"},
		{`[c-ea-db]`, "abcde"},
		{`[漢é-ëa]`, "aéêë漢"},
	}
	for _, tt := range tests {
		c, err := parseCharClass(tt.pattern)
		if err != nil {
			t.Errorf("parseCharClass(%q): %v", tt.pattern, err)
			continue
		}
		var got []rune
		for r := range unicode.MaxRune + 1 {
			if c.has(r) {
				got = append(got, r)
			}
		}
		if string(got) != tt.want {
			t.Errorf("parseCharClass(%q) = %q, want %q", tt.pattern, string(got), tt.want)
		}
		if n := utf8.RuneCountInString(tt.want); c.size() != n {
			t.Errorf("parseCharClass(%q).size() = %d, want %d", tt.pattern, c.size(), n)
		}
	}
}

func TestParseCharClassRefuses(t *testing.T) {
	for _, pattern := range []string{``, `abc`, `[`, `[abc`, `[^a]`, `[\w]`, `[\n]`, `[c-a]`, `[a\`, `[\u12`, `[\u12x4]`, `[\U00110000]`} {
		if c, err := parseCharClass(pattern); err == nil {
			t.Errorf("parseCharClass(%q) = %v, want an error", pattern, c.ranges)
		}
	}
}

func TestSplitAlternatives(t *testing.T) {
	tests := []struct {
		pattern string
		want    []string
	}{
		{``, []string{""}},
		{`a`, []string{"a"}},
		{`a|b`, []string{"a", "b"}},
		{`a\|b|[|]|(?:c|d)$|`, []string{`a\|b`, `[|]`, `(?:c|d)$`, ``}},
		{`[\]|]|(?<=(a|[)])|b)c`, []string{`[\]|]`, `(?<=(a|[)])|b)c`}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, splitAlternatives(tt.pattern)); diff != "" {
			t.Errorf("splitAlternatives(%q), -want +got:\n%s", tt.pattern, diff)
		}
	}
}

// size is the number of code points in a class.
func (c *charClass) size() int {
	n := 0
	for _, r := range c.ranges {
		n += int(r.hi-r.lo) + 1
	}
	return n
}

// TestEnglishClasses counts what was read from the patterns: a wrong place of
// an alternative would show.
func TestEnglishClasses(t *testing.T) {
	p := testTokenizer(t).patterns
	for _, c := range []struct {
		name  string
		class *charClass
		want  int
	}{
		{"icon", p.icon, 5984},
		{"prefix", p.prefix, 5984 + 107},
		{"suffix", p.suffix, 5984 + 67},
		{"alpha", p.alpha, 105724},
		{"alphaNum", p.alphaNum, 105734},
		{"upper", p.upper, 104939},
		{"dotPrev", p.dotPrev, 105241},
		{"dotLeft", p.dotLeft, 105196},
		{"dotRight", p.dotRight, 104958},
		{"tld", p.tld, 105177},
	} {
		if got := c.class.size(); got != c.want {
			t.Errorf("class %s has %d members, want %d", c.name, got, c.want)
		}
	}
	var ascii []string
	for c := range rune(utf8.RuneSelf) {
		if p.dotPrev.has(c) {
			ascii = append(ascii, string(c))
		}
	}
	const want = "!\"#%&'()*+,-0123456789:;<>?[]_`abcdefghijklmnopqrstuvwxyz{|}"
	if got := strings.Join(ascii, ""); got != want {
		t.Errorf("ASCII before a full stop: %q, want %q", got, want)
	}
	if got := len(p.units); got != 143 {
		t.Errorf("%d units and currencies, want 143", got)
	}
}
