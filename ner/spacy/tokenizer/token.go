package tokenizer

// Token is one token of a text: where it is, and the five ids that
// the networks read. The ids are spaCy's own, so they can be compared with
// doc.to_array(["ORTH", "NORM", "PREFIX", "SUFFIX", "SHAPE"]).
type Token struct {
	Start, End         int // byte offsets in the text, half open
	RuneStart, RuneEnd int // the same in code points

	Space   bool // one U+0020 follows, and belongs to no token
	IsSpace bool // every rune is white space

	Orth   uint64 // the text itself: key of the word vectors
	Norm   uint64 // its normal form: "n't" → "not", "Colour" → "color"
	Prefix uint64 // the first rune
	Suffix uint64 // the last three runes
	Shape  uint64 // "Apple" → "Xxxxx", "$1,000" → "$d,ddd"
}
