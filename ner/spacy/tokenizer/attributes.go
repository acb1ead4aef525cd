package tokenizer

import "fmt"

// Lower returns s in lower case, as Python's str.lower does. The id of a token's text in
// lower case is its attribute LOWER.
func Lower(s string) string { return string(appendLower(nil, s)) }

// NormString returns the norm of a token s whose norm is not in the table of NormStrings.
func (tk *Tokenizer) NormString(s string) string {
	if tk.lexicon.norm != nil {
		return tk.lexicon.norm(s)
	}
	return Lower(s)
}

// Shape returns the string whose id is the attribute SHAPE of the token s. s must be valid
// UTF-8 and not empty.
func Shape(s string) string {
	var b lexBuffers
	switch found := b.scan(s); {
	case found.runes >= longShape:
		return "LONG"
	case found.hasShape:
		return string(b.shape)
	}
	return s
}

// IsDigit reports whether Python's str.isdigit is true for r. Such a rune is a d in a
// token's shape.
func IsDigit(r rune) bool { return isDigit(r) }

// IsSpace reports whether Python's str.isspace is true for r.
func IsSpace(r rune) bool { return isSpace(r) }

// IsURL reports whether the pattern for URLs matches all of s. The tokenizer does not cut
// such a string at its infixes.
func (tk *Tokenizer) IsURL(s string) bool {
	if tk.patterns != nil {
		return tk.patterns.urlMatch(s)
	}
	c := tk.cutters.Get().(*cutter)
	defer tk.cutters.Put(c)
	c.allow()
	c.text.Reset(s)
	return tk.compiled.matches(tk.compiled.url, c.text, 0, len(s))
}

// HasURL reports whether the pipeline's pattern for URLs is that of spaCy's English. spaCy's
// attribute LIKE_URL has that pattern, whatever pattern the pipeline has.
func (tk *Tokenizer) HasURL() bool { return tk.patterns != nil || tk.compiled.hasURL }

// NormStrings returns the norms of the tables of a pipeline, by their ids. Other texts have
// the norm of Tokenizer.NormString. NormStrings reads the files that New reads. So the strings
// need no memory in programs that do not ask for them.
func NormStrings(tokenizerFile, lookups []byte) (map[uint64]string, error) {
	f, err := readTokenizerFile(tokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	norms := map[uint64]string{}
	add := func(norm string) { norms[stringID(norm)] = norm }
	for _, tokens := range f.specials {
		for _, t := range tokens {
			if t.norm != "" {
				add(t.norm)
			}
		}
	}
	for _, norm := range baseNormTable() {
		add(norm)
	}
	if err := eachLexemeNorm(lookups, func(_ uint64, norm string) { add(norm) }); err != nil {
		return nil, fmt.Errorf("read vocab/lookups.bin: %w", err)
	}
	return norms, nil
}
