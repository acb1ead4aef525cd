// Package tokenizer cuts English texts into tokens exactly as spaCy does, and
// gives each token the ids by which spaCy's networks know it.
//
//	tk, err := tokenizer.New(tokenizerFile, lookups) // files of a pipeline
//	…
//	for _, t := range tk.Tokenize("Don't stop.", nil) {
//		fmt.Println("Don't stop."[t.Start:t.End]) // Do, n't, stop, .
//	}
//
// The rules come from the pipeline: its file "tokenizer" has the special cases
// and spaCy's regular expressions, of which English's are known here.
package tokenizer

import (
	"fmt"
	"sync"
)

// Tokenizer has the rules of one pipeline. Its methods may be called by several
// goroutines at once.
//
//	text ── chunks of words and of white space        (split.go)
//	          │ special case? its rule's tokens        (specials.go)
//	          │ else prefixes, suffixes, URL, infixes  (patterns.go)
//	          ▼
//	        tokens ── ids of each                      (lexeme.go, hash.go)
//	          │ special cases across tokens            (specials.go)
//	          ▼
//	        []Token
type Tokenizer struct {
	patterns                 patterns
	prefixSight, suffixSight int                 // of the patterns
	kinds                    runeTable[byteKind] // of the runes beyond ASCII

	lexicon  *lexicon
	specials *specials
	cutters  sync.Pool // of *cutter
}

// New makes a tokenizer from the contents of a pipeline's files "tokenizer" and
// "vocab/lookups.bin". The second may be empty: a pipeline without that file has
// no norms of its own. New refuses patterns that are not spaCy's for English.
func New(tokenizerFile, lookups []byte) (*Tokenizer, error) {
	f, err := readTokenizerFile(tokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	p, err := newPatterns(f)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	norms, err := readLexemeNorms(lookups)
	if err != nil {
		return nil, fmt.Errorf("read vocab/lookups.bin: %w", err)
	}
	return build(f, p, norms), nil
}

// build makes a tokenizer that cuts by p and has the special cases of f.
func build(f *tokenizerFile, p patterns, norms map[uint64]uint64) *Tokenizer {
	tk := &Tokenizer{patterns: p, lexicon: newLexicon(norms)}
	tk.kinds.fill = fillKinds(p)
	tk.prefixSight, tk.suffixSight = p.sight()
	tk.specials = newSpecials(f.specials, tk.lexicon)
	tk.specials.addPhrases(tk, !f.fasterHeuristics)
	tk.lexicon.finish()
	tk.cutters.New = func() any { return &cutter{tk: tk, special: true} }
	return tk
}

// Tokenize appends the tokens of text to dst and returns the result. The text
// must be valid UTF-8. All of it is in the tokens, except the spaces that
// Token.Space stands for.
func (tk *Tokenizer) Tokenize(text string, dst []Token) []Token {
	c := tk.cutters.Get().(*cutter)
	c.reset(dst)
	c.cut(text)
	c.applySpecials(text)
	dst, c.tokens = c.tokens, nil
	if len(text) <= maxKeptText {
		tk.cutters.Put(c)
	}
	return dst
}

// maxKeptText is the longest text, in bytes, whose buffers are kept for the next.
const maxKeptText = 1 << 18
