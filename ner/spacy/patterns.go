package spacy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A spaCy tokenizer cuts with four regular expressions that come with the
// pipeline: what may be cut off the front of a chunk (prefix), off its end
// (suffix), where it may be cut inside (infix), and what is a URL and stays
// whole. Python's re tries up to 119 alternatives at each place. Here each
// pattern is a function written by hand (prefix.go, suffix.go, infix.go,
// url.go); only the large character classes are read from the pattern.
//
// Such a function is right for one pattern only, so the patterns are recognised
// by their SHA-256. English's are the same in spaCy 3.6 to 3.8.
var knownPatterns = [...]struct{ name, sha256 string }{
	{"prefix_search", "7aea2cc4f6485aee9e58e1e3fc210071f264803a679d7a972135b8c59ba7bdd5"},
	{"suffix_search", "dd56f4c42b61ebcd5a0a3225517eb380c9454f6cb3d240e7d8c470b47c9c19e0"},
	{"infix_finditer", "b63cbb601f9759784870f088ca561d38b31b859289b9de15ac5ba278b02aae1d"},
	{"url_match", "7adb1342672774f94ffb32ef3bc6eb2f7a5a803ab8c51920bba19c34fd9cec14"},
}

// checkPatterns refuses patterns the hand-written matchers were not made for.
func checkPatterns(f *tokenizerFile) error {
	const remedy = "only the tokenizer of spaCy's English pipelines (lang = \"en\", spaCy 3.6 to 3.8, its rules unchanged) can be run; special cases may be added"
	for i, pattern := range []string{f.prefix, f.suffix, f.infix, f.url} {
		known := knownPatterns[i]
		sum := sha256.Sum256([]byte(pattern))
		if got := hex.EncodeToString(sum[:]); got != known.sha256 {
			return fmt.Errorf("%s is not English's (sha256 %.12s…, want %.12s…): %s", known.name, got, known.sha256, remedy)
		}
	}
	if f.tokenMatch != "" {
		return fmt.Errorf("token_match is set, and English has none: %s", remedy)
	}
	return nil
}

// patterns is what the four matchers know: sets of runes, named after what they
// hold, and the units.
type patterns struct {
	prefix *charClass // runes that are cut off the front, icons included
	suffix *charClass // runes that are cut off the end, icons included
	icon   *charClass // symbols and emoji (general category So)

	alpha    *charClass // letters of any case
	alphaNum *charClass // letters and ASCII digits
	upper    *charClass // upper case letters, and scripts without case
	dotPrev  *charClass // a full stop after one of these is cut off
	dotLeft  *charClass // a full stop between one of these …
	dotRight *charClass // … and one of these parts two sentences
	tld      *charClass // top level domains consist of these

	units    map[string]bool // "km", "%", "US$" …: cut off after a digit
	maxUnit  int             // bytes of the longest unit
	unitEnds *charClass      // their last runes
}

// Places of alternatives in the patterns of knownPatterns.
const (
	prefixIcon = 118

	suffixCurrency = 78
	suffixUnit     = 79
	suffixDot      = 80
	suffixInitials = 81

	infixDot    = 4
	infixComma  = 5
	infixHyphen = 6
)

// newPatterns reads the classes out of patterns that checkPatterns has accepted.
func newPatterns(f *tokenizerFile) (*patterns, error) {
	var err error
	class := func(pattern string) *charClass {
		c, e := parseCharClass(pattern)
		if e != nil && err == nil {
			err = fmt.Errorf("character class %.40q: %w", pattern, e)
		}
		return c
	}
	prefix, suffix, infix := splitAlternatives(f.prefix), splitAlternatives(f.suffix), splitAlternatives(f.infix)
	icon := class(prefix[prefixIcon])
	before, after, _ := strings.Cut(infix[infixDot], `\.(?=`)
	_, tld, _ := strings.Cut(f.url, `\.)+(?:`)
	p := &patterns{
		icon:     icon,
		alpha:    class(infix[infixComma]),
		alphaNum: class(infix[infixHyphen]),
		upper:    class(suffix[suffixInitials]),
		dotPrev:  class(suffix[suffixDot]),
		dotLeft:  class(before),
		dotRight: class(after),
		tld:      class(tld),
		units:    make(map[string]bool),
	}
	if err != nil {
		return nil, err
	}
	p.prefix = newCharClass(append(singleRunes(prefix, strings.TrimPrefix, "^"), icon.ranges...))
	p.suffix = newCharClass(append(singleRunes(suffix, strings.TrimSuffix, "$"), icon.ranges...))
	p.addUnits(suffix[suffixCurrency], suffix[suffixUnit])
	return p, nil
}

// addUnits takes the strings of alternatives (?<=[0-9])(?:km|km²|…)$.
func (p *patterns) addUnits(alternatives ...string) {
	var ends []runeRange
	for _, a := range alternatives {
		_, list, _ := strings.Cut(a, "(?:")
		for unit := range strings.SplitSeq(strings.TrimSuffix(list, ")$"), "|") {
			unit = strings.ReplaceAll(unit, `\`, "")
			p.units[unit] = true
			p.maxUnit = max(p.maxUnit, len(unit))
			r, _ := utf8.DecodeLastRuneInString(unit)
			ends = append(ends, runeRange{r, r})
		}
	}
	p.unitEnds = newCharClass(ends)
}

// singleRunes returns the alternatives that are one rune once unanchored: the
// § of "^§", the ! of `\!$`.
func singleRunes(alternatives []string, unanchor func(s, anchor string) string, anchor string) []runeRange {
	var runes []runeRange
	for _, a := range alternatives {
		a = strings.TrimPrefix(unanchor(a, anchor), `\`)
		if r, size := utf8.DecodeRuneInString(a); size == len(a) {
			runes = append(runes, runeRange{r, r})
		}
	}
	return runes
}

// splitAlternatives cuts a regular expression at its outermost |.
func splitAlternatives(pattern string) []string {
	var list []string
	start, depth, inClass := 0, 0, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			list = append(list, pattern[start:i])
			start = i + 1
		}
	}
	return append(list, pattern[start:])
}
