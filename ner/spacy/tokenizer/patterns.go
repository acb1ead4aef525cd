package tokenizer

import "strings"

// patterns are the regular expressions with which a language's pipelines cut a chunk. A
// chunk is a run of runes without white space. The tokenizer calls the methods only for
// chunks in which they may match: most of a text is words of letters or digits only. All
// strings are valid UTF-8.
//
// english is the only implementation outside of tests. The patterns of other pipelines are
// compiled, see compiled.go.
type patterns interface {
	// prefixLen is prefix_search. It returns the number of bytes to cut off the
	// front of x, or 0.
	prefixLen(x string) int

	// suffixLen is suffix_search. It returns the number of bytes to cut off the end
	// of x, or 0.
	suffixLen(x string) int

	// nextInfix is infix_finditer. It returns the first infix that starts at or
	// after from: the bytes start to end-1 of x become a token. Lookbehinds see the
	// bytes before from.
	nextInfix(x string, from int) (start, end int, ok bool)

	// urlMatch is url_match. It reports whether x is not cut at its infixes.
	urlMatch(x string) bool

	// sight returns how many bytes at the start of a chunk decide that it has no
	// prefix, and how many at its end decide that it has no suffix. The tokenizer
	// does not call prefixLen or suffixLen again while these bytes stay the same.
	sight() (prefix, suffix int)

	// plain reports whether r, a rune beyond ASCII, is like a letter. No pattern may
	// match in a chunk of such runes and ASCII letters, nor in a chunk of ASCII
	// digits. plain is called once for each rune, not for each place in a text.
	plain(r rune) bool
}

// breaks reports whether affixes, infixes or a space could cut the special case x. Such
// a special case is also looked for among the tokens of a text.
func (c *cutter) breaks(x string) bool {
	if strings.Contains(x, " ") {
		return true
	}
	if c.text != nil {
		return c.tk.compiled.breaks(c.text, x)
	}
	p := c.tk.patterns
	_, _, infix := p.nextInfix(x, 0)
	return infix || p.prefixLen(x) > 0 || p.suffixLen(x) > 0
}
