package tokenizer

import (
	"unicode/utf8"
)

// lexicon computes the attributes of a token that depend only on its text. spaCy calls
// these a lexeme.
type lexicon struct {
	known  map[uint64]knownWord  // by id of the text; nil after finish
	frozen idTable[knownWord]    // replaces known after finish
	prefix [utf8.RuneSelf]uint64 // the ids of texts of one byte
	norm   func(string) string   // the norm of a text that has none in a table; nil: the text in lower case

	// The tokens' ids and the symbols of texts of one byte. finish sets them.
	single  [utf8.RuneSelf]Token
	symbols [utf8.RuneSelf]int32
}

// knownWord is the entry of a text in a pipeline's tables.
type knownWord struct {
	norm uint64 // id of its norm; 0: the norm is the text in lower case
	// symbol is the number of a text that is a token of a phrase (specials.go). 0 means
	// that it is not.
	symbol int32
}

// newLexicon returns a lexicon with the norms that spaCy has for every language, and
// with the given norms. If a text is in both, the given norm counts.
func newLexicon(norms map[uint64]uint64) *lexicon {
	l := &lexicon{known: make(map[uint64]knownWord)}
	for _, table := range []map[uint64]uint64{baseNormIDs(), norms} {
		for text, norm := range table {
			l.known[text] = knownWord{norm: norm}
		}
	}
	for c := range l.prefix {
		l.prefix[c] = stringID(string(rune(c)))
	}
	return l
}

// find returns the entry of the text with that id, or the zero value.
func (l *lexicon) find(id uint64) knownWord {
	if l.known != nil {
		return l.known[id]
	}
	return l.frozen.find(id)
}

// finish computes the lexemes of single bytes. The lexicon does not change afterwards.
func (l *lexicon) finish() {
	l.frozen, l.known = newIDTable(l.known), nil
	var b lexBuffers
	for c := range l.single {
		var t Token
		l.symbols[c] = l.lookup(&t, string(rune(c)), &b)
		l.single[c] = t
	}
}

// lexBuffers are the buffers into which lookup writes.
type lexBuffers struct {
	lower []byte
	shape []byte
	runes [256]runeLexeme // the last ones used, by the low bits of the rune
}

// runeLexeme is the lexeme of a text of one rune.
type runeLexeme struct {
	rune              rune
	symbol            int32
	orth, norm, shape uint64
}

// lookup sets the ids of t and its RuneEnd, and returns the symbol of its text s.
// t.RuneStart must be set.
func (l *lexicon) lookup(t *Token, s string, b *lexBuffers) (symbol int32) {
	if len(s) == 1 && l.single[s[0]].Orth != 0 {
		x := &l.single[s[0]]
		t.RuneEnd = t.RuneStart + 1
		t.Orth, t.Norm, t.Prefix, t.Suffix, t.Shape = x.Orth, x.Norm, x.Prefix, x.Suffix, x.Shape
		return l.symbols[s[0]]
	}
	if len(s) <= utf8.UTFMax {
		if r, size := firstOf(s); size == len(s) {
			return l.lookupRune(t, r, s, b)
		}
	}
	t.Orth = stringID(s)
	known := l.find(t.Orth)
	var found scanned
	isASCII := s[0] < utf8.RuneSelf
	if isASCII {
		t.Prefix = l.prefix[s[0]]
		found, isASCII = b.scanASCII(s)
	} else {
		_, size := firstOf(s)
		t.Prefix = stringID(s[:size])
	}
	if !isASCII {
		found = b.scan(s)
	}
	t.RuneEnd = t.RuneStart + found.runes
	t.Suffix, t.Shape = t.Orth, t.Orth
	if found.runes > 3 {
		t.Suffix = stringID(s[len(s)-lastRunes(s, 3):])
	}
	switch {
	case found.runes >= longShape:
		t.Shape = longShapeID
	case found.hasShape:
		t.Shape = stringID(b.shape)
	}
	switch {
	case known.norm != 0:
		t.Norm = known.norm
	case l.norm != nil:
		t.Norm = stringID(l.norm(s))
	case found.hasLower:
		t.Norm = stringID(b.lower)
	default:
		t.Norm = t.Orth
	}
	return known.symbol
}

// lookupRune does what lookup does, for a text of one rune r.
func (l *lexicon) lookupRune(t *Token, r rune, s string, b *lexBuffers) (symbol int32) {
	x := &b.runes[r%int32(len(b.runes))]
	if x.rune != r || x.orth == 0 {
		*x = l.runeLexeme(r, s)
	}
	t.RuneEnd = t.RuneStart + 1
	t.Orth, t.Norm, t.Prefix, t.Suffix, t.Shape = x.orth, x.norm, x.orth, x.orth, x.shape
	return x.symbol
}

// runeLexeme computes the lexeme of the text s of one rune r. The prefix and the suffix
// of such a text are the text.
func (l *lexicon) runeLexeme(r rune, s string) runeLexeme {
	id := stringID(s)
	known := l.find(id)
	x := runeLexeme{rune: r, symbol: known.symbol, orth: id, norm: known.norm, shape: id}
	f := runeForms.of(r)
	if f&shapeKinds != 0 {
		x.shape = l.prefix[f.shape(r)]
	}
	switch {
	case x.norm != 0:
	case l.norm != nil:
		x.norm = stringID(l.norm(s))
	case f.toLower() != 0:
		x.norm = LowerID(s)
	default:
		x.norm = id
	}
	return x
}

// longShape is a number of runes: a text of so many or more has the shape "LONG".
const longShape = 100

var longShapeID = stringID("LONG")

// scanned is the result of scan and scanASCII.
type scanned struct {
	runes    int
	hasLower bool // the text in lower case differs from the text, and is in the buffer

	// hasShape reports whether the buffer has the shape. If not, the shape is the
	// text. For a text of longShape runes or more it means nothing.
	hasShape bool
}

// scanASCII does what scan does, for ASCII. It returns false if s is not ASCII.
func (b *lexBuffers) scanASCII(s string) (found scanned, ok bool) {
	if cap(b.lower) < len(s) {
		b.lower = make([]byte, 0, 2*len(s))
	}
	if cap(b.shape) < longShape*utf8.UTFMax {
		b.shape = make([]byte, 0, longShape*utf8.UTFMax)
	}
	lower := b.lower[:len(s)]
	shape := b.shape[:longShape]
	n, last, run, changed := 0, byte(utf8.RuneSelf), 0, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return found, false
		}
		low := asciiLower[c]
		lower[i] = low
		changed |= low ^ c
		m := asciiShape[c]
		if m != last {
			last, run = m, 0
		}
		if run < 4 && n < longShape {
			shape[n] = m
			n++
		}
		run++
	}
	b.lower, b.shape = lower, shape[:n]
	return scanned{len(s), changed != 0, true}, true
}

// scan counts the runes of s and computes its lower case form and its shape. The shape
// (spacy/lang/lex_attrs.py, word_shape) has X or x for letters, d for digits, and at
// most four equal runes in a row.
func (b *lexBuffers) scan(s string) (found scanned) {
	lower, shape := b.lower[:0], b.shape[:0]
	copied, odd := 0, false // lower has s[:copied]
	last, run := rune(-1), 0
	var page *runePage[runeForm]
	for i, loaded := 0, rune(-1); i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = firstOf(s[i:])
		}
		i += size
		if pageOf(r) != loaded {
			page, loaded = runeForms.page(r), pageOf(r)
		}
		f := page[uint32(r)%runesPerPage]
		if diff := f.toLower(); diff != 0 {
			lower = append(lower, s[copied:i-size]...)
			lower = utf8.AppendRune(lower, r+diff)
			copied = i
			odd = odd || f&oddLower != 0
		}
		if found.runes++; found.runes >= longShape {
			continue
		}
		m := f.shape(r)
		if m != last {
			last, run = m, 0
		}
		if run < 4 {
			shape = utf8.AppendRune(shape, m)
		}
		found.hasShape = found.hasShape || m != r || run == 4
		run++
	}
	switch {
	case odd:
		lower = appendLower(lower[:0], s)
	case copied > 0:
		lower = append(lower, s[copied:]...)
	}
	b.lower, b.shape, found.hasLower = lower, shape, copied > 0
	return found
}

// asciiLower and asciiShape have the lower case form and the shape of each ASCII rune.
var asciiLower, asciiShape = func() (lower, shape [utf8.RuneSelf]byte) {
	for r := range rune(utf8.RuneSelf) {
		f := formOf(r)
		lower[r] = byte(r + f.toLower())
		shape[r] = byte(f.shape(r))
	}
	return lower, shape
}()

// lastRunes returns the size of the last n runes of s. s must have at least n runes.
func lastRunes(s string, n int) int {
	i := len(s)
	for range n {
		for i--; !utf8.RuneStart(s[i]); {
			i--
		}
	}
	return len(s) - i
}
