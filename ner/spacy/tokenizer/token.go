package tokenizer

// Token is one token of a text: its place, and five ids from which the networks compute.
// The ids are spaCy's own, so they can be compared with
// doc.to_array(["ORTH", "NORM", "PREFIX", "SUFFIX", "SHAPE"]).
type Token struct {
	Start, End         int // byte offsets: the token is text[Start:End]
	RuneStart, RuneEnd int // the same offsets in code points

	Space   bool // a space (U+0020) follows that belongs to no token
	IsSpace bool // every rune is white space

	// Replaced says that the token belongs to a special case that was found among the tokens
	// of a text, as "(:" is in "(:foo". If the special case is the token itself, as "'" is in
	// "'a", only the first token of a text says so.
	Replaced bool

	Orth   uint64 // the text itself: key of the word vectors
	Norm   uint64 // its normal form: "n't" → "not", "Colour" → "color"
	Prefix uint64 // the first rune
	Suffix uint64 // the last three runes
	Shape  uint64 // "Apple" → "Xxxxx", "$1,000" → "$d,ddd"
}
