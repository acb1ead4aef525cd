package tokenizer

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// runeTable holds what is known of each rune, in pages of 256 runes. It computes
// a page when one of its runes is first looked up, so it takes memory only for
// runes that texts have. Pages of zeros share one. Several goroutines may use a
// table at once.
type runeTable[T comparable] struct {
	pages [(utf8.MaxRune + 1) / runesPerPage]atomic.Pointer[runePage[T]]
	zeros runePage[T]
	fill  func(first rune, page *runePage[T]) // page holds zeros
}

const runesPerPage = 256

type runePage[T comparable] [runesPerPage]T

// pageOf is the number of the page of r.
func pageOf(r rune) rune { return r / runesPerPage }

// of returns what is known of r, which must be between 0 and utf8.MaxRune.
func (t *runeTable[T]) of(r rune) T {
	return t.page(r)[uint32(r)%runesPerPage]
}

// page returns the page of r. Who looks up many runes in a row keeps it: most
// texts stay on one.
func (t *runeTable[T]) page(r rune) *runePage[T] {
	if page := t.pages[uint32(r)/runesPerPage].Load(); page != nil {
		return page
	}
	return t.load(r)
}

// load computes the page of r.
func (t *runeTable[T]) load(r rune) *runePage[T] {
	page := new(runePage[T])
	t.fill(r&^(runesPerPage-1), page)
	if *page == t.zeros {
		page = &t.zeros
	}
	t.pages[r/runesPerPage].Store(page)
	return page
}

// firstOf returns the first rune of s and its size. s must be valid UTF-8 and
// not empty; utf8.DecodeRuneInString, which makes sure of that, takes longer.
func firstOf(s string) (r rune, size int) {
	c := rune(s[0])
	switch {
	case c < utf8.RuneSelf:
		return c, 1
	case c < 0xe0:
		return c&0x1f<<6 | rune(s[1]&0x3f), 2
	case c < 0xf0:
		return c&0x0f<<12 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	default:
		return c&0x07<<18 | rune(s[1]&0x3f)<<12 | rune(s[2]&0x3f)<<6 | rune(s[3]&0x3f), 4
	}
}

// lastOf returns the last rune of s and its size. s must be valid UTF-8 and not
// empty.
func lastOf(s string) (r rune, size int) {
	i := len(s) - 1
	for !utf8.RuneStart(s[i]) {
		i--
	}
	return firstOf(s[i:])
}

// runeForm is what the attributes of a token need to know of a rune: flags, and
// above them the difference to the rune in lower case.
type runeForm int32

const (
	shapeUpper  runeForm = 1 << iota // stands as X in a shape
	shapeLower                       // stands as x in a shape
	shapeDigit                       // stands as d in a shape
	oddLower                         // is one of oddLowers
	cased                            // of the Unicode standard
	caseIgnored                      // Case_Ignorable of the Unicode standard

	shapeKinds = shapeUpper | shapeLower | shapeDigit
	lowerShift = 8
)

// oddLowers are the runes whose lower case form is two runes, or depends on the
// runes around it.
const oddLowers = "İΣ"

var runeForms = runeTable[runeForm]{fill: func(first rune, page *runePage[runeForm]) {
	for i := range page {
		page[i] = formOf(first + rune(i))
	}
}}

func formOf(r rune) runeForm {
	f := runeForm(unicode.ToLower(r)-r) << lowerShift
	switch {
	case unicode.IsUpper(r):
		f |= shapeUpper
	case unicode.IsLetter(r):
		f |= shapeLower
	case isDigit(r):
		f |= shapeDigit
	}
	if strings.ContainsRune(oddLowers, r) {
		f |= oddLower
	}
	if unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase) {
		f |= cased
	}
	if isCaseIgnorable(r) {
		f |= caseIgnored
	}
	return f
}

// toLower is the difference to the rune in lower case. It is wrong for oddLowers.
func (f runeForm) toLower() rune { return rune(f >> lowerShift) }

// shape returns what stands for r, whose form this is, in a shape.
func (f runeForm) shape(r rune) rune {
	switch f & shapeKinds {
	case shapeUpper:
		return 'X'
	case shapeLower:
		return 'x'
	case shapeDigit:
		return 'd'
	}
	return r
}
