package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// charClass is a set of code points: what a regular expression writes as [a-zà-ÿ…].
// spaCy's classes of letters and icons have up to 105,734 members in several hundred
// ranges. They are parsed from the pipeline's own patterns. The matchers do not search
// in a charClass: they look runes up in english.runes.
type charClass struct {
	ranges []runeRange // sorted, neither touching nor overlapping
}

type runeRange struct{ lo, hi rune } // both included

// newCharClass returns the union of the ranges. It sorts ranges in place.
func newCharClass(ranges []runeRange) *charClass {
	slices.SortFunc(ranges, func(a, b runeRange) int { return cmp.Compare(a.lo, b.lo) })
	c := new(charClass)
	for _, r := range ranges {
		if n := len(c.ranges); n > 0 && r.lo <= c.ranges[n-1].hi+1 {
			c.ranges[n-1].hi = max(c.ranges[n-1].hi, r.hi)
			continue
		}
		c.ranges = append(c.ranges, r)
	}
	return c
}

// parseCharClass reads the first [...] of a Python regular expression. It accepts what
// spaCy writes there: literal runes, \uXXXX, \UXXXXXXXX, punctuation after a backslash,
// and ranges of these. A '-' at the end of the class means itself. Anything else that
// Python allows (negation, \w, \n) is an error.
func parseCharClass(pattern string) (*charClass, error) {
	_, s, ok := strings.Cut(pattern, "[")
	if !ok {
		return nil, fmt.Errorf("no [ in it")
	}
	if strings.HasPrefix(s, "^") {
		return nil, fmt.Errorf("a negated class")
	}
	var ranges []runeRange
	for s != "" && s[0] != ']' {
		lo, rest, err := parseClassRune(s)
		if err != nil {
			return nil, err
		}
		hi := lo
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			if hi, rest, err = parseClassRune(rest[1:]); err != nil {
				return nil, err
			}
		}
		if lo > hi {
			return nil, fmt.Errorf("range %U-%U is backwards", lo, hi)
		}
		ranges = append(ranges, runeRange{lo, hi})
		s = rest
	}
	if s == "" {
		return nil, fmt.Errorf("no ] after its [")
	}
	return newCharClass(ranges), nil
}

// parseClassRune reads one member of a class from the start of s.
func parseClassRune(s string) (r rune, rest string, err error) {
	if s[0] != '\\' {
		r, size := utf8.DecodeRuneInString(s)
		return r, s[size:], nil
	}
	digits := 0
	switch {
	case len(s) < 2:
		return 0, "", fmt.Errorf(`a lone \ at its end`)
	case s[1] == 'u':
		digits = 4
	case s[1] == 'U':
		digits = 8
	case isWord(rune(s[1])) || s[1] >= utf8.RuneSelf:
		return 0, "", fmt.Errorf(`\%c in a class`, s[1])
	default:
		return rune(s[1]), s[2:], nil
	}
	if len(s) < 2+digits {
		return 0, "", fmt.Errorf("%s is cut short", s)
	}
	n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, "", fmt.Errorf("%s is no code point", s[:2+digits])
	}
	return rune(n), s[2+digits:], nil
}
