package tokenizer

import "strings"

// patterns are the regular expressions with which a language's pipelines cut a
// chunk: a run of runes without white space. They are asked for chunks in which
// they may match; words of letters or digits alone, most of a text, are not shown
// to them. All strings are valid UTF-8.
//
// english is the one language that is known. Another is a type with these methods
// and a line in newPatterns. It would need a method more if it has a token_match,
// which English has not.
type patterns interface {
	// prefixLen is prefix_search: the number of bytes that are cut off the front
	// of x, or 0.
	prefixLen(x string) int

	// suffixLen is suffix_search: the number of bytes that are cut off the end of
	// x, or 0.
	suffixLen(x string) int

	// nextInfix is infix_finditer: the first place at or after from where x is cut
	// inside, as the half-open range of bytes that becomes a token of its own.
	// Lookbehinds see what is before from.
	nextInfix(x string, from int) (start, end int, ok bool)

	// urlMatch is url_match: whether x stays whole although it has infixes.
	urlMatch(x string) bool

	// sight returns how many bytes, from the start of a chunk and up to its end,
	// decide that it has no prefix and no suffix. While these bytes are the same,
	// prefixLen and suffixLen are not asked again.
	sight() (prefix, suffix int)

	// plain reports whether r, a rune beyond ASCII, is like a letter: no pattern
	// matches in a chunk of such runes and ASCII letters. (Nor may one match in a
	// chunk of ASCII digits.) It is asked once for each rune and not for each
	// place in a text.
	plain(r rune) bool
}

// newPatterns returns the matchers for the patterns of a pipeline. It refuses
// patterns for which there are none.
func newPatterns(f *tokenizerFile) (patterns, error) { return newEnglish(f) }

// breaks reports whether x is a special case that may have to be looked for
// among tokens: one that affixes or a space could have cut.
func breaks(p patterns, x string) bool {
	_, _, infix := p.nextInfix(x, 0)
	return infix || p.prefixLen(x) > 0 || p.suffixLen(x) > 0 || strings.Contains(x, " ")
}
