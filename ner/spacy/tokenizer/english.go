package tokenizer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// English's patterns are the same in spaCy 3.6 to 3.8. Python's re tries up to 119
// alternatives at each place. Here a function written by hand matches each pattern
// (prefix.go, suffix.go, infix.go, url.go). Only the large character classes are read
// from the pattern. Each function is right for one pattern only, so the patterns are
// recognised by their SHA-256.
const (
	englishPrefix = "7aea2cc4f6485aee9e58e1e3fc210071f264803a679d7a972135b8c59ba7bdd5"
	englishSuffix = "dd56f4c42b61ebcd5a0a3225517eb380c9454f6cb3d240e7d8c470b47c9c19e0"
	englishInfix  = "b63cbb601f9759784870f088ca561d38b31b859289b9de15ac5ba278b02aae1d"
	englishURL    = "7adb1342672774f94ffb32ef3bc6eb2f7a5a803ab8c51920bba19c34fd9cec14"
)

// isEnglish reports whether the patterns are English's.
func isEnglish(f *tokenizerFile) bool {
	return f.prefix.is(englishPrefix) && f.suffix.is(englishSuffix) && f.infix.is(englishInfix) && f.url.is(englishURL) && !f.tokenMatch.set
}

// is reports whether the pattern has that SHA-256.
func (p pattern) is(sum string) bool {
	got := sha256.Sum256([]byte(p.text))
	return p.set && hex.EncodeToString(got[:]) == sum
}

// english implements patterns for English. It has the sets of each rune, and the units.
type english struct {
	runes runeTable[runeSets]
	ascii [utf8.RuneSelf]runeSets // the entries of runes for ASCII

	units   map[string]bool // "km", "%", "US$" …: cut off after a digit
	maxUnit int             // length of the longest unit in bytes
}

// runeSets has a bit for each set that a rune is in.
type runeSets uint16

const (
	inPrefix runeSets = 1 << iota // runes that are cut off the front, icons included
	inSuffix                      // runes that are cut off the end, icons included
	inIcon                        // symbols and emoji (general category So)

	inAlpha    // letters of any case
	inAlphaNum // letters and ASCII digits
	inUpper    // upper case letters, and scripts without case
	inDotPrev  // a full stop after one of these is cut off
	inDotLeft  // a full stop after one of these and before one of inDotRight is an infix
	inDotRight // see inDotLeft
	inTLD      // runes of top level domains
	inUnitEnd  // last runes of units

	inWord // no pattern matches in a chunk of these and of ASCII letters
)

// The indices of some alternatives in English's patterns.
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

// newEnglish returns the matchers for the patterns of a pipeline for which isEnglish is
// true.
func newEnglish(f *tokenizerFile) (*english, error) {
	var err error
	class := func(pattern string) *charClass {
		c, e := parseCharClass(pattern)
		if e != nil && err == nil {
			err = fmt.Errorf("character class %.40q: %w", pattern, e)
		}
		return c
	}
	prefix, suffix, infix := splitAlternatives(f.prefix.text), splitAlternatives(f.suffix.text), splitAlternatives(f.infix.text)
	icon := class(prefix[prefixIcon])
	before, after, _ := strings.Cut(infix[infixDot], `\.(?=`)
	_, tld, _ := strings.Cut(f.url.text, `\.)+(?:`)
	sets := map[runeSets]*charClass{
		inIcon:     icon,
		inAlpha:    class(infix[infixComma]),
		inAlphaNum: class(infix[infixHyphen]),
		inUpper:    class(suffix[suffixInitials]),
		inDotPrev:  class(suffix[suffixDot]),
		inDotLeft:  class(before),
		inDotRight: class(after),
		inTLD:      class(tld),
	}
	if err != nil {
		return nil, err
	}
	p := &english{units: make(map[string]bool)}
	sets[inPrefix] = newCharClass(append(singleRunes(prefix, strings.TrimPrefix, "^"), icon.ranges...))
	sets[inSuffix] = newCharClass(append(singleRunes(suffix, strings.TrimSuffix, "$"), icon.ranges...))
	sets[inUnitEnd] = p.addUnits(suffix[suffixCurrency], suffix[suffixUnit])
	p.runes.fill = func(first rune, page *runePage[runeSets]) {
		for set, class := range sets {
			class.addTo(first, page, set)
		}
		for i := range page {
			page[i] |= otherSets(first+rune(i), page[i])
		}
	}
	for r := range p.ascii {
		p.ascii[r] = p.runes.of(rune(r))
	}
	return p, nil
}

// addTo adds the set to the runes of a page that are in the class.
func (c *charClass) addTo(first rune, page *runePage[runeSets], set runeSets) {
	after, _ := slices.BinarySearchFunc(c.ranges, first, func(r runeRange, first rune) int { return cmp.Compare(r.hi, first) })
	for _, r := range c.ranges[after:] {
		if r.lo >= first+runesPerPage {
			break
		}
		for i := max(r.lo, first); i <= min(r.hi, first+runesPerPage-1); i++ {
			page[i-first] |= set
		}
	}
}

// otherSets returns the sets of r that are not read from the patterns. sets has those
// that are.
func otherSets(r rune, sets runeSets) runeSets {
	if r >= utf8.RuneSelf && !isSpace(r) && sets&(inPrefix|inSuffix|inIcon) == 0 {
		return inWord
	}
	return 0
}

// plain implements patterns.
func (p *english) plain(r rune) bool { return p.runes.of(r)&inWord != 0 }

// sight implements patterns. One rune decides whether there is a prefix. A suffix may
// need a digit and a unit, or two runes and a full stop.
func (p *english) sight() (prefix, suffix int) {
	return utf8.UTFMax, max(1+p.maxUnit, 1+2*utf8.UTFMax)
}

// firstIn returns the size of the first rune of x, and whether that rune is in the set.
func (p *english) firstIn(x string, set runeSets) (size int, ok bool) {
	if x == "" {
		return 0, false
	}
	if c := x[0]; c < utf8.RuneSelf {
		return 1, p.ascii[c]&set != 0
	}
	r, size := firstOf(x)
	return size, p.runes.of(r)&set != 0
}

// lastIn returns the size of the last rune of x, and whether that rune is in the set.
func (p *english) lastIn(x string, set runeSets) (size int, ok bool) {
	if x == "" {
		return 0, false
	}
	if c := x[len(x)-1]; c < utf8.RuneSelf {
		return 1, p.ascii[c]&set != 0
	}
	r, size := lastOf(x)
	return size, p.runes.of(r)&set != 0
}

// addUnits adds the units of alternatives like (?<=[0-9])(?:km|km²|…)$ to p, and returns
// their last runes.
func (p *english) addUnits(alternatives ...string) *charClass {
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
	return newCharClass(ends)
}

// singleRunes returns the alternatives that are one rune without their anchor, such as
// § from "^§" and ! from `\!$`.
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

// splitAlternatives cuts a regular expression at each | that is outside of groups and
// classes.
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
