package pyregexp

import (
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "xay", true},
		{"^a", "xa", false},
		{"a$", "a\n", true},
		{"a$", "a\n\n", false},
		{"(?m)a$", "a\nb", true},
		{"(?m)^b", "a\nb", true},
		{`a\Z`, "a\n", false},
		{`\Aa`, "a", true},
		{".", "\n", false},
		{"(?s).", "\n", true},
		{"(?s:.)", "\n", true},
		{`\d`, "٣", true},
		{`\d`, "²", false},
		{`\w`, "²", true},
		{`\w`, "\u0345", false},
		{`\s`, "\x1c", true},
		{`[^\d\s]`, "1 2", false},
		{`[\w-]+$`, "a-b", true},
		{"[]a]", "]", true},
		{"[^]a]", "]", false},
		{"[a-]", "-", true},
		{"a{", "a{", true},
		{"a{,2}b", "aab", true},
		{"^a{2,3}$", "a", false},
		{"^a{2,3}$", "aaa", true},
		{"^a{2,3}$", "aaaa", false},
		{"{}", "{}", true},
		{"(?i)k", "\u212a", true}, // the Kelvin sign
		{"(?i)\u212a", "K", true},
		{"(?i)s", "ſ", true},
		{"(?i)i", "ı", true},
		{"(?i)i", "İ", true},
		{"(?i)[a-z]", "ſ", true},
		{"(?i)[^a-z]", "ſ", false},
		{`(?i)[\w]`, "\u0345", false},
		{"(?i)ι", "\u0345", true},
		{"(?i)ß", "ẞ", true},
		{"(?i)σ", "ς", true},
		{"(?i:a)b", "Ab", true},
		{"(?i:a)b", "aB", false},
		{"(?i)a(?-i:b)", "Ab", true},
		{"(?i)a(?-i:b)", "AB", false},
		{`\bé`, "aé", false},
		{`\bé`, "-é", true},
		{`a\B`, "a", false},
		{`\B`, "", false},
		{`\b`, "", false},
		{"(?P<x1>a)(?#c)b", "ab", true},
		{`\x41\u00e9\U0001F600\0\07\n`, "Aé😀\x00\x07\n", true},
		{`[\b\101]`, "A", true},
		{"(a*)*b", strings.Repeat("a", 5000), false},
		{"(|a)+$", "aa", true},
		{"^(a|ab)(c|bcd)$", "abcd", true},
		{"a*?b", "aab", true},
		{"", "", true},
		{"a(?=b)", "ab", true},
		{"a(?=b)", "ac", false},
		{"a(?!b)", "ab", false},
		{"a(?!b)", "a", true},
		{"(?<=a)b", "ab", true},
		{"(?<=a)b", "b", false},
		{"(?<!a)b", "b", true},
		{"(?<!ab)c", "abc", false},
		{"^(?!.*foo).+$", "a foo", false},
		{"^(?!.*foo).+$", "a fo", true},
		{"(?=.*b$)(?=a)", "axb", true},
		{"(?=.*b$)(?=a)", "axbc", false},
		{"(?=a(?!b(?=c)))", "abc", false},
		{"(?=a(?!b(?=c)))", "abd", true},
		{`(?<=\b)a`, "a", true},
		{"(?<=^a)b", "ab", true},
		{"(?<=^a)b", "aab", false},
		{"(?=b$)", "b\n", true},
		{"(?=a)*c", "c", true},
		{"(?=a)+c", "c", false},
		{"(?<=(?=b)[ab])a", "ba", true},
		{"(?<=(?=b)[ab])a", "aa", false},
		{"(?i)(?<=K)x", "kx", true},
		{"(?=(a*)*b)", strings.Repeat("a", 5000), false},
	} {
		re, err := Compile(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		for range 2 { // the second search uses the memory of the first one
			if got := re.Search(test.text); got != test.want {
				t.Errorf("%q in %.20q: %v, want %v", test.pattern, test.text, got, test.want)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		"(": "missing )", ")": "unbalanced", "[a": "unterminated", "*": "nothing to repeat", "a**": "multiple repeat", "^*": "nothing to repeat",
		`\b+`: "nothing to repeat", "a{3,2}": "min repeat greater", "[z-a]": "bad character range", `[\w-z]`: "bad character range",
		`\y`: `escape \y`, `\N{DASH}`: `escape \N`, `a\`: "backslash", `\x4`: "incomplete", `\uD8G0`: "no code point", `\U00110000`: "no code point",
		"(?<=a|bc)d": "look-behind requires fixed-width", "(?<=a*)b": "look-behind", "(?<a)": "extension", "(?=a": "missing )", `(a)\1`: `\1`, "(?P=x)": "back reference",
		"(?P<1>a)": "group name", "(?>a)": "atomic", "a*+": "possessive", "(?(1)a|b)": "conditional", "(?x)a": "(?x)", "(?a)a": "(?a)", "a(?i)b": "extension",
		"(?i-:a)": "flags", "(?#a": "comment", "a{20000}": "too large", "(a{1000}){1000}": "more than 10000 instructions",
		strings.Repeat("(", 200): "nested", "\xff": "UTF-8", `[\400]`: "octal", `[\8]`: `\8`,
	} {
		if _, err := Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", pattern, err, want)
		}
	}
}
