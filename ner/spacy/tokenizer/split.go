package tokenizer

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/internal/pyregexp"
)

// cutter cuts one text at a time into tokens. It is used again for other texts, so only
// a text's tokens take new memory.
type cutter struct {
	tk      *Tokenizer
	special bool // apply special cases

	tokens  []Token // the caller's tokens, then those of the text
	base    int     // the number of the caller's tokens
	symbols []int32 // of the tokens from base on, see knownWord
	size    int     // length of the text in bytes
	pos     int     // where the next token starts, in bytes
	runePos int     // where the next token starts, in runes

	suffixes []int32 // lengths of the suffixes that were cut off the chunk so far
	looked   int     // bytes searched for affixes and special cases, for tests
	lex      lexBuffers
	match    matchBuffers

	ctx   context.Context // of cut
	steps int             // counts the calls of goesOn
	err   error           // of ctx, from goesOn

	text  *pyregexp.Text // for compiled patterns, nil for others
	found []pyregexp.Match
}

// newCutter returns a cutter that applies special cases.
func newCutter(tk *Tokenizer) *cutter {
	c := &cutter{tk: tk, special: true}
	if tk.compiled != nil {
		c.text = tk.compiled.set.NewText()
	}
	return c
}

// byteKind is the kind of a byte or of a rune beyond ASCII.
type byteKind uint8

const (
	kindLetter byteKind = 1 << iota // ASCII letter, or a rune for which patterns.plain is true
	kindDigit                       // ASCII digit
	kindPunct                       // any other ASCII byte: a pattern may match there
	kindSpace                       // white space
	kindHigh                        // another rune beyond ASCII, or a byte of such a rune
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

// cut cuts text into tokens, chunk by chunk. A chunk is a run of white space, or a run of
// other runes (a word). If the white space after a word begins with U+0020, that space
// sets Token.Space of the word's last token. The rest of the white space is a token. cut
// fails with the context's error when ctx ends, and with ErrTooMuch.
func (c *cutter) cut(ctx context.Context, text string) error {
	c.size = len(text)
	c.ctx, c.steps, c.err = ctx, 0, nil
	for i, asked := 0, 0; i < len(text); {
		if i-asked > askEvery {
			if err := ctx.Err(); err != nil {
				return err
			}
			asked = i
		}
		if c.text != nil && c.text.Err() != nil {
			return ErrTooMuch
		}
		n, kinds := c.tk.wordLen(text[i:])
		if n > 0 {
			c.chunk(text[i:i+n], kinds)
			i += n
		}
		if c.err != nil {
			return c.err
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
	if c.text != nil && c.text.Err() != nil {
		return ErrTooMuch
	}
	return nil
}

// askEvery is after how many bytes of text cut asks the context whether it has ended. To
// cut so many bytes takes a millisecond or two.
const askEvery = 16 << 10

// goesOn reports whether the context has not ended. It asks it after askSteps calls. The
// loops over a chunk call it for each affix and infix, because a chunk can be as long as the
// text.
func (c *cutter) goesOn() bool {
	if c.steps++; c.steps%askSteps == 0 && c.err == nil {
		c.err = c.ctx.Err()
	}
	return c.err == nil
}

const askSteps = 1024

// wordLen returns the number of bytes before the first white space of s, and the kinds of
// the runes in them.
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

// spaceLen returns the number of bytes of white space at the start of s.
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

// fillKinds returns the function that computes a page of Tokenizer.kinds.
func fillKinds(plain func(rune) bool) func(first rune, page *runePage[byteKind]) {
	return func(first rune, page *runePage[byteKind]) {
		for i := range page {
			switch r := first + rune(i); {
			case isSpace(r):
				page[i] = kindSpace
			case plain(r):
				page[i] = kindLetter
			default:
				page[i] = kindHigh
			}
		}
	}
}

// chunk cuts one chunk. It cuts prefixes and suffixes off until the rest is a special case
// or has no prefix and no suffix. Then it cuts the rest at its infixes. The steps and
// their order are those of spaCy's Tokenizer._split_affixes. Each step changes the tokens
// of some texts.
func (c *cutter) chunk(x string, kinds byteKind) {
	if rule := c.rule(x); rule != nil {
		c.emitRule(rule)
		return
	}
	if c.tk.compiled != nil {
		c.compiledChunk(x, kinds == kindSpace)
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
	for i := len(c.suffixes) - 1; i >= 0 && c.goesOn(); i-- {
		n := c.suffixes[i]
		c.emit(tail[:n], false)
		tail = tail[n:]
	}
}

// affixes cuts prefixes and suffixes off x. It emits the prefixes, and appends the lengths
// of the suffixes to c.suffixes. It returns the rest (middle), the text of all suffixes
// (tail), and the rule of the rest if the rest is a special case.
func (c *cutter) affixes(x string) (middle, tail string, rule *rule) {
	p, longest := c.tk.patterns, c.tk.specials.longest
	prefixSight, suffixSight := c.tk.prefixSight, c.tk.suffixSight
	c.suffixes = c.suffixes[:0]
	whole, end := x, len(x)
	// noPrefix and noSuffix report whether the last search found none. Another search is
	// needed only when x gets so short that the bytes that patterns.sight names change.
	noPrefix, noSuffix := false, false
	for x != "" && rule == nil && c.goesOn() {
		prefix := 0
		if !noPrefix || len(x) < prefixSight {
			c.looked += min(len(x), prefixSight)
			prefix = p.prefixLen(x)
			noPrefix = prefix == 0
		}
		rest := x[prefix:]
		if prefix > 0 && len(rest) <= longest {
			if rule = c.rule(rest); rule != nil {
				c.emit(x[:prefix], false)
				x = rest
				break
			}
		}
		// Search in rest, so that lookbehinds do not see the prefix.
		suffix := 0
		if !noSuffix || len(rest) < suffixSight {
			c.looked += min(len(rest), suffixSight)
			suffix = p.suffixLen(rest)
			noSuffix = suffix == 0
		}
		if prefix == 0 && suffix == 0 {
			break
		}
		if suffix > 0 {
			if len(c.suffixes) == cap(c.suffixes) {
				c.suffixes = slices.Grow(c.suffixes, len(c.suffixes)+minTokens)
			}
			c.suffixes = append(c.suffixes, int32(suffix))
			end -= suffix
			front := x[:len(x)-suffix] // the chunk with its prefix
			if len(front) <= longest {
				if rule = c.rule(front); rule != nil {
					x = front
					break
				}
			}
		}
		if prefix > 0 {
			c.emit(x[:prefix], false)
		}
		x = rest[:len(rest)-suffix]
		if prefix > 0 && suffix > 0 && len(x) <= longest { // otherwise its rule has been looked up above
			rule = c.rule(x)
		}
	}
	return x, whole[end:], rule
}

// infixes cuts x at its infixes. Each infix becomes a token. An infix at the start of x
// does not: it stays with the text after it.
func (c *cutter) infixes(x string) {
	start := 0
	for from := 0; c.goesOn(); {
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

// emit appends a token with the text s.
func (c *cutter) emit(s string, isSpace bool) {
	n := len(c.tokens)
	if n == cap(c.tokens) || len(c.symbols) == cap(c.symbols) {
		c.grow()
	}
	c.tokens = c.tokens[:n+1]
	t := &c.tokens[n]
	t.Start, t.End, t.RuneStart = c.pos, c.pos+len(s), c.runePos
	t.Space, t.IsSpace, t.Replaced = false, isSpace, false
	c.symbols = append(c.symbols, c.tk.lexicon.lookup(t, s, &c.lex))
	c.pos, c.runePos = t.End, t.RuneEnd
}

// grow makes room for more tokens and symbols. It estimates, within limits, how many tokens
// the whole text has from the part that was cut so far. So the tokens of a long text are
// copied only a few times. The built-in append would copy them each time they grow by a
// quarter.
func (c *cutter) grow() {
	n := len(c.tokens) - c.base
	size := n + minTokens
	if c.pos > 0 {
		size += n * (c.size - c.pos) / c.pos * 17 / 16
	}
	if most := 4*n + minTokens; size > 2*most {
		size = most
	}
	size = max(size, n+n/8)
	if len(c.tokens) == cap(c.tokens) {
		c.tokens = append(make([]Token, 0, c.base+size), c.tokens...)
	}
	if len(c.symbols) == cap(c.symbols) {
		c.symbols = append(make([]int32, 0, size), c.symbols...)
	}
}

// minTokens is the smallest number of tokens for which grow makes room.
const minTokens = 64

// emitRule appends the tokens of a special case.
func (c *cutter) emitRule(r *rule) {
	c.tokens = r.appendTo(c.tokens, c.pos, c.runePos)
	c.symbols = append(c.symbols, r.symbols...)
	last := &c.tokens[len(c.tokens)-1]
	c.pos, c.runePos = last.End, last.RuneEnd
}

// rule returns the rule for x, or nil if x is no special case.
func (c *cutter) rule(x string) *rule {
	if !c.special || !c.tk.specials.mayHave(x) {
		return nil
	}
	c.looked += len(x)
	return c.tk.specials.rules[x]
}

// reset prepares the cutter for the next text. The text's tokens are appended to dst.
func (c *cutter) reset(dst []Token) {
	c.tokens, c.base = dst, len(dst)
	c.symbols = c.symbols[:0]
	c.pos, c.runePos = 0, 0
}
