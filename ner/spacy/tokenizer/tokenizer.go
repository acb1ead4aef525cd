// Package tokenizer cuts texts into tokens exactly as spaCy does, and computes
// the ids of each token that spaCy's networks read.
//
//	tk, err := tokenizer.New(tokenizerFile, lookups) // files of a pipeline
//	…
//	for _, t := range tk.Tokenize("Don't stop.", nil) {
//		fmt.Println("Don't stop."[t.Start:t.End]) // Do, n't, stop, .
//	}
//
// The rules come from the pipeline: its file "tokenizer" has special cases and regular
// expressions. Functions written by hand match those of spaCy's English. All others are
// compiled (compiled.go).
package tokenizer

import (
	"context"
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
	patterns                 patterns            // nil if compiled is not
	compiled                 *compiled           // nil if patterns is not
	prefixSight, suffixSight int                 // see patterns.sight
	kinds                    runeTable[byteKind] // the kinds of runes beyond ASCII

	lexicon  *lexicon
	specials *specials
	cutters  sync.Pool // of *cutter
}

// New returns a tokenizer for the contents of a pipeline's files "tokenizer" and
// "vocab/lookups.bin". lookups may be empty if the pipeline has no such file: then there
// are only the norms that spaCy has for every language. New fails if Python would refuse a
// pattern, or if package pyregexp cannot run it.
func New(tokenizerFile, lookups []byte) (*Tokenizer, error) {
	return NewFor("", tokenizerFile, lookups)
}

// NewFor is New for a pipeline of a language, of which lang is spaCy's code. Hindi has norms
// that are not in lower case. All other languages have the norms of New.
func NewFor(lang string, tokenizerFile, lookups []byte) (*Tokenizer, error) {
	f, err := readTokenizerFile(tokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	f.lang = lang
	norms, err := readLexemeNorms(lookups)
	if err != nil {
		return nil, fmt.Errorf("read vocab/lookups.bin: %w", err)
	}
	if isEnglish(f) {
		p, err := newEnglish(f)
		if err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		return build(f, p, norms)
	}
	p, err := compile(f)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return buildCompiled(f, p, norms)
}

// build returns a tokenizer with the patterns p, the special cases of f and the norms.
func build(f *tokenizerFile, p patterns, norms map[uint64]uint64) (*Tokenizer, error) {
	tk := &Tokenizer{patterns: p}
	tk.prefixSight, tk.suffixSight = p.sight()
	return tk.finish(f, p.plain, norms)
}

// buildCompiled is build for compiled patterns.
func buildCompiled(f *tokenizerFile, p *compiled, norms map[uint64]uint64) (*Tokenizer, error) {
	tk := &Tokenizer{compiled: p}
	return tk.finish(f, func(rune) bool { return false }, norms)
}

// finish adds what depends on the patterns. plain is patterns.plain.
func (tk *Tokenizer) finish(f *tokenizerFile, plain func(rune) bool, norms map[uint64]uint64) (*Tokenizer, error) {
	tk.lexicon = newLexicon(norms)
	tk.lexicon.norm = normOf(f.lang)
	tk.kinds.fill = fillKinds(plain)
	tk.specials = newSpecials(f.specials, tk.lexicon)
	if err := tk.specials.addPhrases(tk, !f.fasterHeuristics); err != nil {
		return nil, fmt.Errorf("tokenizer: the special cases: %w", err)
	}
	tk.lexicon.finish()
	tk.cutters.New = func() any { return newCutter(tk) }
	return tk, nil
}

// Tokenize appends the tokens of text to dst and returns the result. The text must be
// valid UTF-8. Every byte of the text is in a token, except the spaces that Token.Space
// reports. If TokenizeContext would fail, Tokenize returns the tokens so far.
func (tk *Tokenizer) Tokenize(text string, dst []Token) []Token {
	dst, _ = tk.TokenizeContext(context.Background(), text, dst)
	return dst
}

// TokenizeContext is Tokenize. It returns the error of ctx when ctx ends, and [ErrTooMuch] if
// the patterns need too many steps, and the tokens so far.
func (tk *Tokenizer) TokenizeContext(ctx context.Context, text string, dst []Token) ([]Token, error) {
	c := tk.cutters.Get().(*cutter)
	c.reset(dst)
	c.allow()
	err := c.cut(ctx, text)
	if err == nil {
		c.applySpecials(text)
	}
	dst, c.tokens, c.ctx = c.tokens, nil, nil
	if len(text) <= maxKeptText {
		tk.cutters.Put(c)
	}
	return dst, err
}

// maxKeptText is a length in bytes: after a longer text the buffers are not kept for other
// texts.
const maxKeptText = 1 << 18
