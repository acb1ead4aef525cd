package tokenizer

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// runeTable maps each rune to a value, in pages of 256 runes. It computes a page when one
// of its runes is first looked up, so it takes memory only for runes that texts have.
// All pages of zeros share their memory. Several goroutines may use a table at once.
type runeTable[T comparable] struct {
	pages [(utf8.MaxRune + 1) / runesPerPage]atomic.Pointer[runePage[T]]
	zeros runePage[T]
	fill  func(first rune, page *runePage[T]) // computes a page, which is all zeros before
}

const runesPerPage = 256

type runePage[T comparable] [runesPerPage]T

// pageOf returns the number of the page of r.
func pageOf(r rune) rune { return r / runesPerPage }

// of returns the value of r. r must be between 0 and utf8.MaxRune.
func (t *runeTable[T]) of(r rune) T {
	return t.page(r)[uint32(r)%runesPerPage]
}

// page returns the page of r. A caller that looks up many runes in a row should keep the
// page, because most runes of a text are on the same one.
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

// firstOf returns the first rune of s and its size. s must be valid UTF-8 and not empty.
// firstOf does not check that, so it is faster than utf8.DecodeRuneInString.
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

// runeForm has the properties of a rune from which the attributes of a token are
// computed: flags, and in the bits above them the difference to the rune in lower case.
type runeForm int32

const (
	shapeUpper  runeForm = 1 << iota // X in a shape
	shapeLower                       // x in a shape
	shapeDigit                       // d in a shape
	oddLower                         // is in oddLowers
	cased                            // Cased in the Unicode standard
	caseIgnored                      // Case_Ignorable in the Unicode standard

	shapeKinds = shapeUpper | shapeLower | shapeDigit
	lowerShift = 8
)

// oddLowers has the runes whose lower case form is two runes, or depends on the runes
// before and after them.
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

// toLower returns the difference to the rune in lower case. It is wrong for the runes of
// oddLowers.
func (f runeForm) toLower() rune { return rune(f >> lowerShift) }

// shape returns the rune that replaces r in a shape. f must be the form of r.
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
