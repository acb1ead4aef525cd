package tokenizer

import (
	"strings"
	"testing"
	"unicode"
)

func TestShape(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Apple", "Xxxxx"},
		{"apple", "xxxx"},
		{"U.S.A.", "X.X.X."},
		{"C-3PO", "X-dXX"},
		{"12345abcde", "ddddxxxx"},
		{"$1,000.00", "$d,ddd.dd"},
		{"²", "d"},
		{"Ⅳ", "Ⅳ"},
		{"漢字", "xx"},
		{"ǅx", "xx"}, // title case is not upper case
		{"---------", "----"},
		{"\x00\x00\x00\x00\x00", "\x00\x00\x00\x00"},
		{"aXaXaXaX", "xXxXxXxX"},
		{strings.Repeat("a", 99), "xxxx"},
		{strings.Repeat("a", 100), "LONG"},
		{strings.Repeat("é", 99), "xxxx"},
		{strings.Repeat("é", 100), "LONG"},
		{strings.Repeat("aA", 49) + "a", strings.Repeat("xX", 49) + "x"},
		{strings.Repeat("aÉ", 49) + "a", strings.Repeat("xX", 49) + "x"},
	}
	lex := newLexicon(nil)
	var b lexBuffers
	for _, tt := range tests {
		var tok Token
		lex.lookup(&tok, tt.text, &b)
		if tok.Shape != stringID(tt.want) {
			t.Errorf("the shape of %q is %q, want %q", tt.text, b.shape, tt.want)
		}
	}
}

func TestPrefixSuffix(t *testing.T) {
	tests := []struct{ text, prefix, suffix string }{
		{"a", "a", "a"},
		{"abc", "a", "abc"},
		{"abcd", "a", "bcd"},
		{"X-ORG", "X", "ORG"}, // symbols: small ids
		{"_", "_", "_"},
		{"é", "é", "é"},
		{"aé", "a", "aé"},
		{"éabcd", "é", "bcd"},
		{"ab漢字仮名", "a", "字仮名"},
	}
	lex := newLexicon(nil)
	var b lexBuffers
	for _, tt := range tests {
		var tok Token
		lex.lookup(&tok, tt.text, &b)
		if tok.Prefix != stringID(tt.prefix) || tok.Suffix != stringID(tt.suffix) {
			t.Errorf("%q: prefix and suffix have ids %d, %d, want those of %q, %q: %d, %d", tt.text,
				tok.Prefix, tok.Suffix, tt.prefix, tt.suffix, stringID(tt.prefix), stringID(tt.suffix))
		}
	}
}

func TestNorm(t *testing.T) {
	norms := map[uint64]uint64{
		stringID("colour"): stringID("color"),
		stringID("€"):      stringID("euro"), // the pipeline's norm counts, not the built-in one
	}
	tests := []struct{ text, want string }{
		{"colour", "color"},
		{"Colour", "colour"}, // the table has exact texts: "colour" only
		{"€", "euro"},
		{"£", "$"},
		{"US$", "$"},
		{"’S", "'s"},
		{"``", `"`},
		{"`", "'"},
		{"´´", `"`},
		{"…", "..."},
		{"---", "-"},
		{"----", "----"},
		{"Number", "number"},
		{"ÉTÉ", "été"},
		{"ΟΔΟΣ", "οδος"},
	}
	lex := newLexicon(norms)
	var b lexBuffers
	for _, tt := range tests {
		var tok Token
		lex.lookup(&tok, tt.text, &b)
		if tok.Norm != stringID(tt.want) {
			t.Errorf("the norm of %q has id %d, want that of %q, %d", tt.text, tok.Norm, tt.want, stringID(tt.want))
		}
	}
}

func TestBaseNorms(t *testing.T) {
	if got := len(baseNormIDs()); got != 45 {
		t.Errorf("%d base norms, want 45", got)
	}
}

func TestLower(t *testing.T) {
	// The answers are Python's: str.lower().
	tests := []struct{ text, want string }{
		{"", ""},
		{"ABC", "abc"},
		{"İ", "i̇"},
		{"Iİ", "ii̇"},
		{"ẞ", "ß"},
		{"Σ", "σ"},
		{"ΑΣ", "ας"},
		{"ΣΑΣ", "σας"},
		{"ΑΣΑ", "ασα"},
		{"ΑΣ.", "ας."},
		{"ΑΣ’Α", "ασ’α"},
		{"Α.Σ", "α.ς"},
		{".Σ", ".σ"},
		{"1Σ", "1σ"},
		{"ʰΣ", "ʰσ"}, // ʰ is cased, but case-ignorable: it does not count
		{"ΑʰΣ", "αʰς"},
		{"ΑΣʰ", "αςʰ"},
		{"Α\u0301Σ\u0301", "α\u0301ς\u0301"},
		{"ΑΣ-Α", "ας-α"},
	}
	for _, tt := range tests {
		if got := string(appendLower(nil, tt.text)); got != tt.want {
			t.Errorf("appendLower(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got, want := LowerID(tt.text), stringID(tt.want); got != want {
			t.Errorf("LowerID(%q) = %d, want %d", tt.text, got, want)
		}
	}
}

func TestIsDigitTable(t *testing.T) {
	n := 0
	for r := range unicode.MaxRune + 1 {
		if unicode.Is(digitsNotDecimal, r) {
			n++
			if unicode.IsDigit(r) || !unicode.IsNumber(r) {
				t.Errorf("%U in the table of digits that are not decimal", r)
			}
		}
	}
	if n != 128 {
		t.Errorf("%d digits that are not decimal, want 128", n)
	}
}

func TestIsSpace(t *testing.T) {
	// Python's str.isspace is true for these runes and no others.
	const spaces = "\t\n\v\f\r\x1c\x1d\x1e\x1f \u0085\u00a0\u1680" +
		"\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
	for r := range unicode.MaxRune + 1 {
		if got, want := isSpace(r), strings.ContainsRune(spaces, r); got != want {
			t.Errorf("isSpace(%U) = %t", r, got)
		}
	}
}
