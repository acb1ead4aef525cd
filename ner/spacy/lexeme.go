package spacy

import (
	"unicode"
	"unicode/utf8"
)

// lexicon computes the attributes of a token that depend on its text alone,
// which spaCy calls a lexeme.
type lexicon struct {
	known  map[uint64]knownWord // by id of the text
	prefix [utf8.RuneSelf]uint64
}

// knownWord is what a pipeline's tables say of a text.
type knownWord struct {
	norm uint64 // id of its norm; 0: its lower case form
	// symbol numbers the texts that occur in special cases (specials.go);
	// 0: it occurs in none.
	symbol int32
}

// newLexicon makes a lexicon that knows the norms given, which go before
// spaCy's own.
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

// lexBuffers are the buffers lookup writes into.
type lexBuffers struct {
	lower []byte
	shape []byte
}

// lookup sets the ids and the length in runes of t, whose text is s, and
// returns the symbol of s.
func (l *lexicon) lookup(t *Token, s string, b *lexBuffers) (symbol int32) {
	t.Orth = stringID(s)
	known := l.known[t.Orth]
	b.lower, b.shape = b.lower[:0], b.shape[:0]
	runes, isASCII := b.scanASCII(s)
	if isASCII {
		t.Prefix = l.prefix[s[0]]
		t.Suffix = t.Orth
		if runes > 3 {
			t.Suffix = stringID(s[len(s)-3:])
		}
	} else {
		b.lower = appendLower(b.lower[:0], s)
		b.shape, runes = appendShape(b.shape[:0], s)
		t.Prefix = stringID(s[:firstRune(s)])
		t.Suffix = stringID(s[len(s)-lastRunes(s, 3):])
	}
	t.RuneEnd = t.RuneStart + runes
	if runes >= longShape {
		b.shape = append(b.shape[:0], "LONG"...)
	}
	t.Shape = stringID(b.shape)
	switch {
	case known.norm != 0:
		t.Norm = known.norm
	case string(b.lower) == s:
		t.Norm = t.Orth
	default:
		t.Norm = stringID(b.lower)
	}
	return known.symbol
}

// longShape is the number of runes from which on every shape is "LONG".
const longShape = 100

// scanASCII writes the lower case form and the shape of s, and returns its
// length. It gives up where s is not ASCII.
func (b *lexBuffers) scanASCII(s string) (runes int, ok bool) {
	if cap(b.lower) < len(s) {
		b.lower = make([]byte, 0, 2*len(s))
	}
	if cap(b.shape) < longShape*utf8.UTFMax {
		b.shape = make([]byte, 0, longShape*utf8.UTFMax)
	}
	lower := b.lower[:len(s)]
	shape := b.shape[:longShape]
	n, last, run := 0, byte(utf8.RuneSelf), 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return 0, false
		}
		lower[i] = asciiLower[c]
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
	return len(s), true
}

// appendShape appends the shape of s (spacy/lang/lex_attrs.py, word_shape):
// letters become X or x, digits d, and of equal ones in a row four are kept.
// It stops when the shape will be "LONG", but counts the runes of all of s.
func appendShape(dst []byte, s string) (shape []byte, runes int) {
	last, run := rune(-1), 0
	for _, r := range s {
		if runes++; runes >= longShape {
			continue
		}
		m := shapeOf(r)
		if m != last {
			last, run = m, 0
		}
		if run < 4 {
			dst = utf8.AppendRune(dst, m)
		}
		run++
	}
	return dst, runes
}

// shapeOf maps a rune to what stands for it in a shape.
func shapeOf(r rune) rune {
	switch {
	case unicode.IsLetter(r):
		if unicode.IsUpper(r) {
			return 'X'
		}
		return 'x'
	case isDigit(r):
		return 'd'
	}
	return r
}

// asciiLower and asciiShape are unicode.ToLower and shapeOf of ASCII.
var asciiLower, asciiShape = func() (lower, shape [utf8.RuneSelf]byte) {
	for r := range rune(utf8.RuneSelf) {
		lower[r] = byte(unicode.ToLower(r))
		shape[r] = byte(shapeOf(r))
	}
	return lower, shape
}()

// firstRune is the size of the first rune of s.
func firstRune(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}

// lastRunes is the size of the last n runes of s, or of all if there are fewer.
func lastRunes(s string, n int) int {
	size := 0
	for range n {
		_, one := utf8.DecodeLastRuneInString(s[:len(s)-size])
		size += one
	}
	return size
}
