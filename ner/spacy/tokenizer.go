package spacy

import (
	"fmt"
	"sync"
)

// tokenizer cuts texts into tokens as spaCy's does, and computes their
// attributes. It is safe for use by several goroutines at once.
//
//	text ── chunks of words and of white space        (split.go)
//	          │ special case? its rule's tokens        (specials.go)
//	          │ else prefixes, suffixes, URL, infixes  (prefix.go … infix.go)
//	          ▼
//	        tokens ── ids of each                      (lexeme.go, hash.go)
//	          │ special cases across tokens            (specials.go)
//	          ▼
//	        []Token
type tokenizer struct {
	patterns *patterns
	lexicon  *lexicon
	specials *specials
	cutters  sync.Pool // of *cutter
}

// newTokenizer makes a tokenizer from the contents of a pipeline's files
// "tokenizer" and "vocab/lookups.bin". The second is empty for a pipeline
// without it.
func newTokenizer(tokenizerFile, lookups []byte) (*tokenizer, error) {
	f, err := readTokenizerFile(tokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	if err := checkPatterns(f); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	norms, err := readLexemeNorms(lookups)
	if err != nil {
		return nil, fmt.Errorf("read vocab/lookups.bin: %w", err)
	}
	return buildTokenizer(f, norms)
}

// buildTokenizer makes a tokenizer of patterns that checkPatterns has accepted.
func buildTokenizer(f *tokenizerFile, norms map[uint64]uint64) (*tokenizer, error) {
	patterns, err := newPatterns(f)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	tk := &tokenizer{patterns: patterns, lexicon: newLexicon(norms)}
	tk.specials = newSpecials(f.specials, tk.lexicon)
	tk.specials.addPhrases(tk, !f.fasterHeuristics)
	tk.lexicon.finish()
	tk.cutters.New = func() any { return &cutter{tk: tk, special: true} }
	return tk, nil
}

// tokenize appends the tokens of text, which must be valid UTF-8, to dst.
func (tk *tokenizer) tokenize(text string, dst []Token) []Token {
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
