// Package spacy runs the entity recognizer of spaCy's English pipelines, such
// as en_core_web_sm, in Go: it reads the files spaCy wrote and gives the
// entities spaCy gives.
//
//	nlp, err := spacy.Load("en_core_web_sm")
//	…
//	ents, err := nlp.Entities(ctx, "Tim Cook visited Paris on Monday.")
//	for _, e := range ents {
//		fmt.Println(e.Text, e.Label) // Tim Cook PERSON, Paris GPE, Monday DATE
//	}
//
// A text goes through the steps of spaCy's own pipeline, each of which has its
// file or its package here, under spaCy's name:
//
//	text ──tokenizer──> tokens with ids NORM, PREFIX, SUFFIX, SHAPE
//	  ids ──tok2vec──> vectors ──parser──> where sentences start
//	  ids ──tok2vec──> vectors ──entities──> entities, none across a sentence start
//
// The parser runs because its sentences change entities: spacy.load without
// options runs it too. It runs as far into a text as it can change any. With
// Options.Exclude of "parser", which corresponds to spaCy's exclude, it does not;
// that takes less than half the time, and about one entity in 250 differs.
//
// # What it can run
//
// Pipelines of spaCy 3.6 to 3.8 with the language "en", spaCy's own tokenizer
// patterns, and a greedy TransitionBasedParser.v2 on a Tok2Vec.v2 of
// MultiHashEmbed.v2 and MaxoutWindowEncoder.v2 (or HashEmbedCNN.v2, which is
// the same network), its own or a shared one it listens to. These are
// en_core_web_sm, _md and _lg, and what `spacy init config --lang en --pipeline
// ner` and `spacy train` make. Word vectors of the mode "default" are used.
// Components that cannot change an entity are not read. Any other is refused by
// [Open] with its name, so that no pipeline gives other answers than it does in
// Python.
//
// # Guarantees
//
// Tokens and ids are exactly spaCy's. The networks compute in float32, as
// spaCy does, with sums in another order and the encoder by a faster algorithm
// of about the same precision (kernel.Conv); spaCy's own sums differ between CPUs in the
// same way. scripts/parity compares the answers over millions of tokens. A
// result depends on the text, the pipeline and the kernel
// variant (see package kernel), and on nothing else: not on what was asked
// before, on other goroutines, or on the cache.
//
// A Pipeline holds its packed weights and a cache of bounded size. The tables
// of the model, nine tenths of it, are read where they lie: in the page cache,
// shared by all processes that opened the same files, or in the executable
// (see [OpenBytes]).
package spacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// Options say how to open a pipeline. The zero value is spaCy's behaviour.
type Options struct {
	// Exclude names components to leave out, as exclude does in spacy.load.
	// Only "parser" makes a difference to a pipeline that can be run with it;
	// excluding a component that cannot be run makes the rest of the pipeline
	// usable. The entity recognizer cannot be excluded.
	Exclude []string

	// CacheEntries is how many token types each network remembers, rounded up
	// so that they fill its table. 0 means 4096; less than 0 means none. An
	// entry of en_core_web_sm takes about 450 bytes.
	CacheEntries int
}

// MaxLength is the length in code points beyond which spaCy refuses a text
// (nlp.max_length), and so do we, with a [ner.TooLongError].
const MaxLength = 1_000_000

// ErrNotUTF8 is returned, wrapped with the place, for a text that is not valid
// UTF-8. Python has no such strings, so there is no answer to agree with.
var ErrNotUTF8 = errors.New("text is not valid UTF-8")

// Pipeline is an opened pipeline. Its methods, except Close, may be called by
// several goroutines at once.
type Pipeline struct {
	meta      Meta
	tokenizer *tokenizer.Tokenizer
	ner       *entityModel
	parser    *parserModel // nil if there is none
	sentences bool         // the recognizer sees the parser's sentences

	work  sync.Pool // of *work
	close func() error
}

var _ ner.Recognizer = (*Pipeline)(nil)

// Token is one token of a text.
type Token = tokenizer.Token

// Meta is what the pipeline says about itself, from its meta.json.
type Meta struct {
	Lang    string // "en"
	Name    string // "core_web_sm"
	Version string // "3.8.0"
	License string // "MIT"
}

// Meta returns what the pipeline says about itself.
func (p *Pipeline) Meta() Meta { return p.meta }

// Labels returns the labels the recognizer gives, in the order of its classes.
// The slice is the caller's.
func (p *Pipeline) Labels() []string { return append([]string(nil), p.ner.labels...) }

// Close gives back the mapped files. Nothing may use the pipeline then, nor
// what its methods returned, except entities and documents.
func (p *Pipeline) Close() error {
	giveBack := p.close
	if p.close = nil; giveBack == nil {
		return nil
	}
	return giveBack()
}

// Doc is what the pipeline found in a text.
type Doc struct {
	Text   string
	Tokens []Token
	Sents  [][]Token // the tokens of each sentence, parts of Tokens; nil without a parser
	Ents   []ner.Entity
}

// work is the memory of one call. The recognizer and the parser each have their
// features; they walk through the text by turns.
type work struct {
	tokens     []Token
	encoder    encoder
	recognizer features
	parser     features
	parse      parse
	entities   []entity
}

// keepTokens is the length of text up to which a call's memory is kept for
// later ones.
const keepTokens = 1 << 14

func (p *Pipeline) getWork() *work {
	if w, ok := p.work.Get().(*work); ok {
		return w
	}
	return &work{}
}

// begin gives the work of a call on a text.
func (p *Pipeline) begin(text string) *work {
	w := p.getWork()
	w.tokens = p.tokenizer.Tokenize(text, w.tokens[:0])
	p.start(w, text)
	return w
}

// start begins a text whose tokens are in w.
func (p *Pipeline) start(w *work, text string) {
	w.encoder.ready = nil
	w.recognizer.start(p.ner.transition, &w.encoder, text, w.tokens)
	if p.parser != nil {
		w.parser.start(p.parser.transition, &w.encoder, text, w.tokens)
		w.parse.reset(len(w.tokens))
	}
}

func (p *Pipeline) putWork(w *work) {
	for _, f := range []*features{&w.recognizer, &w.parser} {
		f.text, f.tokens = "", nil // not the caller's text
	}
	if cap(w.tokens) <= keepTokens {
		p.work.Put(w)
	}
}

// Entities returns the entities of a text, as ents of spaCy's Doc. It
// implements [ner.Recognizer].
func (p *Pipeline) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	w := p.begin(text)
	defer p.putWork(w)
	if err := p.findEntities(ctx, w); err != nil {
		return nil, err
	}
	return p.result(w, text), nil
}

// Analyze returns the tokens, sentences and entities of a text.
func (p *Pipeline) Analyze(ctx context.Context, text string) (*Doc, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	w := p.begin(text)
	defer p.putWork(w)
	if p.parser != nil {
		if err := p.findSentences(ctx, w, len(w.tokens)); err != nil {
			return nil, err
		}
	}
	if err := p.findEntities(ctx, w); err != nil {
		return nil, err
	}
	doc := &Doc{Text: text, Ents: p.result(w, text)}
	doc.Tokens = append(doc.Tokens, w.tokens...)
	if p.parser != nil {
		doc.Sents = split(doc.Tokens, w.parse.sentStarts)
	}
	return doc, nil
}

// split cuts tokens into sentences.
func split(tokens []Token, starts []bool) [][]Token {
	var sents [][]Token
	first := 0
	for i := 1; i <= len(tokens); i++ {
		if i == len(tokens) || starts[i] {
			sents = append(sents, tokens[first:i:i])
			first = i
		}
	}
	return sents
}

// check refuses texts that spaCy would not take.
func check(text string) error {
	if len(text) > MaxLength {
		if n := utf8.RuneCountInString(text); n > MaxLength {
			return &ner.TooLongError{Length: n, Limit: MaxLength}
		}
	}
	if utf8.ValidString(text) {
		return nil
	}
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return fmt.Errorf("%w: byte %d is 0x%02x", ErrNotUTF8, i, text[i])
			}
		}
	}
	return ErrNotUTF8
}

// findEntities sets w.entities.
func (p *Pipeline) findEntities(ctx context.Context, w *work) error {
	err := p.recognize(ctx, w)
	if err == errTooClose {
		w.recognizer.useLongSums()
		err = p.recognize(ctx, w)
	}
	return err
}

// recognize is findEntities without a second try.
//
// The parser is most of the work, and it rarely changes an entity. A sentence's start
// only forbids moves, those that continue an entity across it. So where the
// recognizer made none of them without knowing the starts, it would have made the
// same moves knowing them: the best of all moves is the best of those allowed.
// It runs ahead over a piece of the text, then the parser as far as there are
// entities of several tokens. If a sentence starts in one of them, the recognizer
// goes back to its first token; where no entity is open its moves do not depend
// on those before.
func (p *Pipeline) recognize(ctx context.Context, w *work) (err error) {
	w.entities = w.entities[:0]
	for at := 0; at < len(w.tokens); {
		found, known := len(w.entities), []bool(nil)
		if p.sentences {
			known = w.parse.sentStarts[:w.parse.known]
		}
		if w.entities, at, err = p.ner.entities(ctx, &w.recognizer, known, at, at+encodeRows, w.entities); err != nil {
			return err
		}
		if !p.sentences {
			continue
		}
		upTo := 0
		for _, e := range w.entities[found:] {
			if e.end-e.first > 1 {
				upTo = e.end
			}
		}
		if err := p.findSentences(ctx, w, upTo); err != nil {
			return err
		}
		for i, e := range w.entities[found:] {
			if e.end-e.first > 1 && slices.Contains(w.parse.sentStarts[e.first+1:e.end], true) {
				w.entities, at = w.entities[:found+i], e.first
				break
			}
		}
	}
	return nil
}

// findSentences parses on, if it must to know the sentences of the first upTo
// tokens.
func (p *Pipeline) findSentences(ctx context.Context, w *work, upTo int) error {
	err := p.parser.sentences(ctx, &w.parser, &w.parse, upTo)
	if err == errTooClose {
		w.parser.useLongSums()
		w.parse.reset(len(w.tokens))
		err = p.parser.sentences(ctx, &w.parser, &w.parse, upTo)
	}
	return err
}

// result gives the entities in the words of package ner.
func (p *Pipeline) result(w *work, text string) []ner.Entity {
	if len(w.entities) == 0 {
		return nil
	}
	ents := make([]ner.Entity, len(w.entities))
	for i, e := range w.entities {
		first, last := &w.tokens[e.first], &w.tokens[e.end-1]
		ents[i] = ner.Entity{
			Text: text[first.Start:last.End], Label: p.ner.classes[e.class].label,
			Start: first.Start, End: last.End,
			RuneStart: first.RuneStart, RuneEnd: last.RuneEnd,
		}
	}
	return ents
}
