package tokenizer

import (
	"strings"
	"testing"
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
		for _, r := range c.ranges {
			for m := r.lo; m <= r.hi; m++ {
				got = append(got, m)
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

// size returns the number of code points in a class.
func (c *charClass) size() int {
	n := 0
	for _, r := range c.ranges {
		n += int(r.hi-r.lo) + 1
	}
	return n
}

// TestEnglishClasses checks the sizes of the classes that are read from the patterns. They
// would be wrong if the index of an alternative were wrong.
func TestEnglishClasses(t *testing.T) {
	p := testEnglish(t)
	for _, c := range []struct {
		name string
		set  runeSets
		want int
	}{
		{"icon", inIcon, 5984},
		{"prefix", inPrefix, 5984 + 107},
		{"suffix", inSuffix, 5984 + 67},
		{"alpha", inAlpha, 105724},
		{"alphaNum", inAlphaNum, 105734},
		{"upper", inUpper, 104939},
		{"dotPrev", inDotPrev, 105241},
		{"dotLeft", inDotLeft, 105196},
		{"dotRight", inDotRight, 104958},
		{"tld", inTLD, 105177},
	} {
		got := 0
		for r := range rune(utf8.MaxRune + 1) {
			if p.runes.of(r)&c.set != 0 {
				got++
			}
		}
		if got != c.want {
			t.Errorf("class %s has %d members, want %d", c.name, got, c.want)
		}
	}
	var ascii []string
	for c := range rune(utf8.RuneSelf) {
		if p.runes.of(c)&inDotPrev != 0 {
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
