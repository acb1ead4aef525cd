package tokenizer

import "unicode/utf8"

// cutter cuts one text. It is reused, so that a text costs no memory but its
// tokens.
type cutter struct {
	tk      *Tokenizer
	special bool // apply special cases

	tokens  []Token // those before base belong to the caller
	base    int
	symbols []int32 // of the tokens from base on, see knownWord
	size    int     // bytes of the text
	pos     int     // bytes and
	runePos int     // runes that have been turned into tokens

	suffixes []int32 // lengths of what was cut off the end of the chunk so far
	looked   int     // bytes in which affixes and special cases were looked for; tests count them
	lex      lexBuffers
	match    matchBuffers
}

// byteKind says what a byte, or a rune beyond ASCII, can mean for the cutting.
type byteKind uint8

const (
	kindLetter byteKind = 1 << iota // of ASCII, or a rune that is plain to the patterns
	kindDigit                       // of ASCII
	kindPunct                       // all else in ASCII: something may be cut there
	kindSpace                       // white space in ASCII
	kindHigh                        // another rune beyond ASCII, or a part of any
)

var byteKinds = func() (kinds [256]byteKind) {
	for c := range kinds {
		switch {
		case c >= utf8.RuneSelf:
			kinds[c] = kindHigh
		case isSpace(rune(c)):
			kinds[c] = kindSpace
		case asciiShape[c] == 'd':
			kinds[c] = kindDigit
		case asciiShape[c] == 'x' || asciiShape[c] == 'X':
			kinds[c] = kindLetter
		default:
			kinds[c] = kindPunct
		}
	}
	return kinds
}()

// cut turns text into tokens, chunk by chunk. A chunk is a run of runes that
// are all white space or all not. Of the white space after a word one U+0020 is
// no token but a flag on the word; the rest of the run is a token.
func (c *cutter) cut(text string) {
	c.size = len(text)
	for i := 0; i < len(text); {
		n, kinds := c.tk.wordLen(text[i:])
		if n > 0 {
			c.chunk(text[i:i+n], kinds)
			i += n
		}
		n = c.tk.spaceLen(text[i:])
		if n > 0 && i > 0 && text[i] == ' ' {
			c.tokens[len(c.tokens)-1].Space = true
			c.pos++
			c.runePos++
			i++
			n--
		}
		if n > 0 {
			c.chunk(text[i:i+n], kindSpace)
			i += n
		}
	}
}

// wordLen measures the runes before the first white space of s. A rune beyond
// ASCII counts as a letter if no pattern matches at it.
func (tk *Tokenizer) wordLen(s string) (n int, kinds byteKind) {
	var page *runePage[byteKind]
	loaded := rune(-1)
	for n < len(s) {
		kind := byteKinds[s[n]]
		switch kind {
		case kindSpace:
			return n, kinds
		case kindHigh:
			r, size := firstOf(s[n:])
			if pageOf(r) != loaded {
				page, loaded = tk.kinds.page(r), pageOf(r)
			}
			if kind = page[uint32(r)%runesPerPage]; kind == kindSpace {
				return n, kinds
			}
			n += size
		default:
			n++
		}
		kinds |= kind
	}
	return n, kinds
}

// spaceLen measures the white space s begins with.
func (tk *Tokenizer) spaceLen(s string) (n int) {
	for n < len(s) {
		kind, size := byteKinds[s[n]], 1
		if kind == kindHigh {
			var r rune
			r, size = firstOf(s[n:])
			kind = tk.kinds.of(r)
		}
		if kind != kindSpace {
			break
		}
		n += size
	}
	return n
}

// fillKinds returns what computes a page of Tokenizer.kinds.
func fillKinds(p patterns) func(first rune, page *runePage[byteKind]) {
	return func(first rune, page *runePage[byteKind]) {
		for i := range page {
			switch r := first + rune(i); {
			case isSpace(r):
				page[i] = kindSpace
			case p.plain(r):
				page[i] = kindLetter
			default:
				page[i] = kindHigh
			}
		}
	}
}

// chunk cuts one chunk: prefixes and suffixes off its ends until what is left
// is a special case or nothing comes off any more, and then that at its infixes.
// The order of the steps is that of spaCy's Tokenizer._split_affixes; each of
// them shows in some result.
func (c *cutter) chunk(x string, kinds byteKind) {
	if rule := c.rule(x); rule != nil {
		c.emitRule(rule)
		return
	}
	switch kinds {
	case kindLetter, kindDigit, kindSpace: // no pattern matches in these
		c.emit(x, kinds == kindSpace)
		return
	}
	x, tail, rule := c.affixes(x)
	switch {
	case x == "":
	case rule != nil:
		c.emitRule(rule)
	case c.tk.patterns.urlMatch(x):
		c.emit(x, false)
	default:
		c.infixes(x)
	}
	for i := len(c.suffixes) - 1; i >= 0; i-- {
		n := c.suffixes[i]
		c.emit(tail[:n], false)
		tail = tail[n:]
	}
}

// affixes cuts prefixes, which it emits, and suffixes, which it puts on
// c.suffixes, off x. It returns what is left, its rule if that is a special
// case, and the suffixes' text.
func (c *cutter) affixes(x string) (middle, tail string, rule *rule) {
	p := c.tk.patterns
	c.suffixes = c.suffixes[:0]
	whole, end := x, len(x)
	noPrefix, noSuffix := false, false // there was none, and nothing that it sees has changed
	for x != "" && rule == nil {
		prefix := 0
		if sight := c.tk.prefixSight; !noPrefix || len(x) < sight {
			c.looked += min(len(x), sight)
			prefix = p.prefixLen(x)
			noPrefix = prefix == 0
		}
		rest := x[prefix:]
		if prefix > 0 {
			if rule = c.rule(rest); rule != nil {
				c.emit(x[:prefix], false)
				x = rest
				break
			}
		}
		// Searched in the rest, so that no lookbehind sees the prefix.
		suffix := 0
		if sight := c.tk.suffixSight; !noSuffix || len(rest) < sight {
			c.looked += min(len(rest), sight)
			suffix = p.suffixLen(rest)
			noSuffix = suffix == 0
		}
		if prefix == 0 && suffix == 0 {
			break
		}
		if suffix > 0 {
			c.suffixes = append(c.suffixes, int32(suffix))
			end -= suffix
			front := x[:len(x)-suffix] // with the prefix
			if rule = c.rule(front); rule != nil {
				x = front
				break
			}
		}
		if prefix > 0 {
			c.emit(x[:prefix], false)
		}
		x = rest[:len(rest)-suffix]
		if prefix > 0 && suffix > 0 { // else it has been looked up above
			rule = c.rule(x)
		}
	}
	return x, whole[end:], rule
}

// infixes cuts x at its infixes. One at the very start is no cut: it stays with
// what follows.
func (c *cutter) infixes(x string) {
	start := 0
	for from := 0; ; {
		a, b, ok := c.tk.patterns.nextInfix(x, from)
		if !ok {
			break
		}
		from = b
		if a == 0 {
			continue
		}
		if a > start {
			c.emit(x[start:a], false)
		}
		c.emit(x[a:b], false)
		start = b
	}
	if start < len(x) {
		c.emit(x[start:], false)
	}
}

// emit appends the token s.
func (c *cutter) emit(s string, isSpace bool) {
	n := len(c.tokens)
	if n == cap(c.tokens) {
		c.grow()
	}
	c.tokens = c.tokens[:n+1]
	t := &c.tokens[n]
	t.Start, t.End, t.RuneStart = c.pos, c.pos+len(s), c.runePos
	t.Space, t.IsSpace = false, isSpace
	c.symbols = append(c.symbols, c.tk.lexicon.lookup(t, s, &c.lex))
	c.pos, c.runePos = t.End, t.RuneEnd
}

// grow makes room for more tokens: for as many as the text will have if it goes
// on as it began, within limits. So a long text is copied a few times, and not
// once for each quarter that append adds.
func (c *cutter) grow() {
	n := len(c.tokens)
	size := n + minTokens
	if c.pos > 0 {
		size += (n - c.base) * (c.size - c.pos) / c.pos * 17 / 16
	}
	if most := 4*n + minTokens; size > 2*most {
		size = most
	}
	size = max(size, n+n/8)
	c.tokens = append(make([]Token, 0, size), c.tokens...)
	if cap(c.symbols) < size-c.base {
		c.symbols = append(make([]int32, 0, size-c.base), c.symbols...)
	}
}

// minTokens is the least room that is made.
const minTokens = 64

// emitRule appends the tokens of a special case.
func (c *cutter) emitRule(r *rule) {
	c.tokens = r.appendTo(c.tokens, c.pos, c.runePos)
	c.symbols = append(c.symbols, r.symbols...)
	last := &c.tokens[len(c.tokens)-1]
	c.pos, c.runePos = last.End, last.RuneEnd
}

// rule returns the special case x is, or nil.
func (c *cutter) rule(x string) *rule {
	if !c.special || !c.tk.specials.mayHave(x) {
		return nil
	}
	c.looked += len(x)
	return c.tk.specials.rules[x]
}

// reset prepares for the next text, whose tokens are to be appended to dst.
func (c *cutter) reset(dst []Token) {
	c.tokens, c.base = dst, len(dst)
	c.symbols = c.symbols[:0]
	c.pos, c.runePos = 0, 0
}
