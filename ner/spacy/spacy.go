// Package spacy runs the entity recognizer of spaCy's pipelines, such as
// en_core_web_sm, in Go. It reads the files that spaCy wrote and returns the
// entities that spaCy returns.
//
//	nlp, err := spacy.Load("en_core_web_sm")
//	…
//	ents, err := nlp.Entities(ctx, "Tim Cook visited Paris on Monday.")
//	for _, e := range ents {
//		fmt.Println(e.Text, e.Label) // Tim Cook PERSON, Paris GPE, Monday DATE
//	}
//
// A text goes through the steps of spaCy's own pipeline. Each step is a file or a
// package here, with spaCy's name:
//
//	text ──tokenizer──> tokens with ids NORM, PREFIX, SUFFIX, SHAPE
//	  ids ──tok2vec──> vectors ──parser──> where sentences start (or senter, sentencizer)
//	  ids ──tok2vec──> vectors ──entities──> entities, none across a sentence start
//
// The parser runs because its sentences change entities. spacy.load without
// options runs it, too. A pipeline may have a senter or a sentencizer instead.
// [Pipeline.Entities] stops it where it cannot change an entity any more. With
// "parser" in Options.Exclude, which corresponds to spaCy's exclude, the parser does
// not run. Then a text takes less than half the time, and about one entity in 250
// differs.
//
// A text of more than 1024 tokens is computed on all processors (GOMAXPROCS) that no
// other call uses. Its entities are the same.
//
// # What it can run
//
// The package runs pipelines of spaCy 3.0 to 3.8 in the languages that spaCy's tokenizer
// of rules can cut into words, with a greedy TransitionBasedParser.v2. That needs a
// Tok2Vec.v2 of MultiHashEmbed.v2 or CharacterEmbed.v2, and MaxoutWindowEncoder.v2, or
// HashEmbedCNN.v2, which is the same network, or version 1 of each of these. A component may
// have its own Tok2Vec or listen to a shared one. These pipelines are en_core_web_sm, _md and _lg, and those that
// `spacy init config --pipeline ner` and `spacy train` make. Word vectors
// of the mode "default" are used. docs/engine.md has a table of components and
// settings.
//
// A senter needs the model Tagger.v2 or .v1 and the same networks. Only one component may find
// sentences.
//
// A pipeline needs a recognizer, or a ruler that sets entities (entity_ruler, or span_ruler
// with annotate_ents), or both.
//
// Components that cannot change an entity are not read, unless the rules of a ruler look at
// what they find (TAG, POS, MORPH, LEMMA, DEP). For any other component
// [Open] returns an error with its name, so no pipeline gives other answers here
// than in Python. A component that changes tokens after the recognizer, such as
// merge_entities, changes no entity. [Pipeline.Check] returns an error that names
// it, because the tokens are then not spaCy's.
//
// # Guarantees
//
// Tokens and ids are exactly spaCy's. The networks compute in float32, as spaCy
// does, but add in another order. The encoder uses a faster algorithm of about the
// same precision (kernel.Conv). spaCy's own sums differ between CPUs in the same
// way. scripts/parity compares the answers over millions of tokens. A result
// depends only on the text, the pipeline and the kernel variant (see package
// kernel). It does not depend on earlier texts, on other goroutines, or on the
// cache.
//
// A Pipeline holds its packed weights and a cache of bounded size. The tables of
// the model, nine tenths of its size, are not copied. They are read from the page
// cache, which all processes that opened the same files share, or from the
// executable (see [OpenBytes]).
package spacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// Options are the options for opening a pipeline. The zero value opens it as spaCy does.
type Options struct {
	// Exclude names components to leave out, as exclude does in spacy.load. In a
	// pipeline that can be run completely, only the component that finds sentences
	// makes a difference: "parser", "senter" or "sentencizer"; and those that set what
	// rules look at. In any other pipeline, exclude the components that cannot be run to make the rest
	// usable. The entity recognizer can be excluded only if rules find entities, too.
	Exclude []string

	// CacheEntries is how many token types each network remembers, rounded up to
	// 8, 16, 32 and so on. 0 means 4096. A negative number means no cache. An entry
	// of en_core_web_sm takes about 450 bytes.
	CacheEntries int
}

// MaxLength is the length of the longest text, in code points. It is spaCy's
// default for nlp.max_length. For a longer text a Pipeline returns a
// [ner.TooLongError].
const MaxLength = 1_000_000

// ErrNotUTF8 is returned for a text that is not valid UTF-8. The error that wraps
// it names the first invalid byte. Python has no such strings, so spaCy has no
// answer for them.
var ErrNotUTF8 = errors.New("text is not valid UTF-8")

// Pipeline is an opened pipeline. Its methods, except Close, may be called by
// several goroutines at once.
type Pipeline struct {
	meta      Meta
	tokenizer *tokenizer.Tokenizer
	ner       *entityModel // nil: only rules find entities

	// What finds sentences. At most one of these is not nil.
	parser      *parserModel
	senter      *senterModel
	sentencizer *sentencizer

	// The components that find entities by rules: before the recognizer and after it.
	// Without a recognizer all are before it.
	before, after []*ruler

	// The components that set annotations of tokens.
	annotators *annotators
	looking    bool         // rules look at annotations
	looks      []annotating // the components that set these

	sentences bool  // the sentences limit the recognizer's entities
	noTokens  error // why the tokens cannot be answered; nil: they can
	noSents   error // why the sentences cannot be answered; nil: they can

	work  sync.Pool // of *work
	close func() error
}

var _ ner.Analyzer = (*Pipeline)(nil)

// Token is one token of a text with spaCy's ids.
type Token = tokenizer.Token

// Meta has the data about a pipeline in its meta.json.
type Meta struct {
	Lang    string // "en"
	Name    string // "core_web_sm"
	Version string // "3.8.0"
	License string // "MIT"
}

// Meta returns the data about the pipeline in its meta.json.
func (p *Pipeline) Meta() Meta { return p.meta }

// Labels returns the labels that entities can have: first those of the recognizer, in the
// order of its classes, and then others that rules give. The caller may change the slice.
func (p *Pipeline) Labels() []string {
	var labels []string
	if p.ner != nil {
		labels = append(labels, p.ner.labels...)
	}
	for _, r := range slices.Concat(p.before, p.after) {
		for _, l := range r.labels() {
			if !slices.Contains(labels, l) {
				labels = append(labels, l)
			}
		}
	}
	return labels
}

// Close unmaps the pipeline's files. Call it when no other method runs, and call
// no other method afterwards. What the methods have returned, such as entities and
// documents, stays valid. A second Close does nothing.
func (p *Pipeline) Close() error {
	giveBack := p.close
	if p.close = nil; giveBack == nil {
		return nil
	}
	return giveBack()
}

// work is the memory of one call. The recognizer and the parser take turns on the
// text. Each has its own features.
type work struct {
	text       string
	tokens     []Token
	encoder    encoder
	recognizer features
	parser     features
	parse      parse // of a pipeline without parser only its sentences
	entities   []entity
	ahead      *ahead             // of a long text
	doc        matcher.Doc        // of a pipeline with rulers: what they and the recognizer find
	seen       [][]ner.Annotation // for each ruler the annotations that it sees; nil if none needs any
}

// keepTokens is a number of tokens: after a longer text the work is not kept for
// later calls.
const keepTokens = 1 << 14

func (p *Pipeline) getWork() *work {
	computing.Add(1)
	if w, ok := p.work.Get().(*work); ok {
		return w
	}
	return &work{}
}

// begin returns a work with the tokens of text, ready for the recognizer and the
// parser. It fails with the context's error when ctx ends.
func (p *Pipeline) begin(ctx context.Context, text string) (w *work, err error) {
	w = p.getWork()
	if w.tokens, err = p.tokenizer.TokenizeContext(ctx, text, w.tokens[:0]); err != nil {
		p.putWork(w)
		return nil, err
	}
	p.start(w, text)
	return w, nil
}

// start prepares w for text. The text's tokens are in w already.
func (p *Pipeline) start(w *work, text string) {
	w.text, w.encoder.ready = text, nil
	if p.ner != nil {
		w.recognizer.start(p.ner.transition, &w.encoder, text, w.tokens)
	}
	if p.parser != nil {
		w.parser.start(p.parser.transition, &w.encoder, text, w.tokens)
		w.parse.reset(len(w.tokens))
	} else {
		w.parse.sentences.reset(len(w.tokens))
	}
	switch {
	case len(w.tokens) <= longText || p.ner == nil:
	case p.parser != nil && p.sentences:
		w.ahead = newAhead(&w.recognizer, &w.parser)
	default:
		w.ahead = newAhead(&w.recognizer)
	}
}

func (p *Pipeline) putWork(w *work) {
	if w.ahead != nil {
		w.ahead.leave()
		w.ahead = nil
	}
	computing.Add(-1)
	w.text, w.doc, w.seen = "", matcher.Doc{}, nil
	for _, f := range []*features{&w.recognizer, &w.parser} {
		f.text, f.tokens = "", nil // do not keep the caller's text in memory
		f.long = nil
	}
	if cap(w.tokens) <= keepTokens {
		p.work.Put(w)
	}
}

// Entities returns the entities of a text: those of spaCy's Doc.ents. It
// implements [ner.Recognizer]. It fails if the text is longer than [MaxLength] or
// not UTF-8, and with the context's error when ctx ends.
func (p *Pipeline) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	w, err := p.begin(ctx, text)
	if err != nil {
		return nil, err
	}
	defer p.putWork(w)
	if p.looking {
		if _, err := p.prepare(ctx, w, p.looks, false, true); err != nil {
			return nil, err
		}
	}
	if err := p.findEntities(ctx, w); err != nil {
		return nil, err
	}
	return p.result(w, text), nil
}

// Tokens returns the tokens of a text with the ids from which the networks compute. They
// are the tokens of [Pipeline.Analyze], also in a pipeline that changes them after the
// recognizer. It fails if the text is longer than [MaxLength] or not UTF-8, or if the
// tokenizer needs too many steps for it.
func (p *Pipeline) Tokens(text string) ([]Token, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	tokens, err := p.tokenizer.TokenizeContext(context.Background(), text, nil)
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// check returns an error for a text that spaCy would not take.
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

// findEntities finds the entities of a text: w.entities, or of a pipeline with rulers
// w.doc.Ents. It fails with the context's error when ctx ends.
func (p *Pipeline) findEntities(ctx context.Context, w *work) error {
	if len(p.before)+len(p.after) == 0 {
		return p.recognize(ctx, w, nil)
	}
	d := &w.doc
	*d = matcher.Doc{Text: w.text, Tokens: w.tokens, NoEnts: true}
	for i, r := range p.before {
		if err := p.rule(ctx, w, r, i); err != nil {
			return err
		}
	}
	if p.ner == nil {
		return nil
	}
	if err := p.recognize(ctx, w, d.Ents); err != nil {
		return err
	}
	ents := make([]matcher.Ent, len(w.entities))
	for i, e := range w.entities {
		ents[i] = matcher.Ent{Start: e.first, End: e.end}
		if e.class < 0 {
			ents[i].Label = d.Ents[^e.class].Label
		} else {
			ents[i].Label = p.ner.classes[e.class].label
		}
	}
	setEnts(d, ents)
	d.NoEnts = false
	for i, r := range p.after {
		if err := p.rule(ctx, w, r, len(p.before)+i); err != nil {
			return err
		}
	}
	return nil
}

// recognize sets w.entities: those of the recognizer, and the preset ones, which a ruler has
// found before. It fails with the context's error when ctx ends.
//
// The parser is most of the work, and it rarely changes an entity. The start of a
// sentence only forbids moves: those that continue an entity across it. Suppose
// that the recognizer does not know the starts, and makes no such move. Then it
// makes the same moves as with the starts, because the best of all moves is allowed.
//
// So the recognizer first runs over a piece of the text. Then the parser runs to the
// end of the last entity of several tokens. If a sentence starts inside such an
// entity, the recognizer goes back to the entity's first token. It can begin again
// there: while no entity is open, its moves do not depend on earlier ones. A sentence may
// start inside a preset entity.
func (p *Pipeline) recognize(ctx context.Context, w *work, preset []matcher.Ent) (err error) {
	w.entities = w.entities[:0]
	for at := 0; at < len(w.tokens); {
		found, known := len(w.entities), []bool(nil)
		if p.sentences {
			known = w.parse.sentStarts[:w.parse.known]
		}
		if w.entities, at, err = p.ner.entities(ctx, &w.recognizer, known, preset, at, at+encodeRows, w.entities); err != nil {
			return err
		}
		if !p.sentences {
			continue
		}
		upTo := 0
		for _, e := range w.entities[found:] {
			if e.end-e.first > 1 && e.class >= 0 {
				upTo = e.end
			}
		}
		if err := p.findSentences(ctx, w, upTo); err != nil {
			return err
		}
		for i, e := range w.entities[found:] {
			if e.end-e.first > 1 && e.class >= 0 && slices.Contains(w.parse.sentStarts[e.first+1:e.end], true) {
				w.entities, at = w.entities[:found+i], e.first
				break
			}
		}
	}
	return nil
}

// findSentences runs the parser, the senter or the sentencizer until the sentences of
// the first upTo tokens are known. It does nothing if they are known already.
func (p *Pipeline) findSentences(ctx context.Context, w *work, upTo int) error {
	text, s := w.text, &w.parse.sentences
	switch {
	case s.known >= upTo:
		return nil
	case p.senter != nil:
		return p.senter.sentences(ctx, &w.encoder, text, w.tokens, s, upTo)
	case p.sentencizer != nil:
		p.sentencizer.sentences(text, w.tokens, s)
		return nil
	}
	return p.parser.sentences(ctx, &w.parser, &w.parse, upTo)
}

// result returns the entities with the types of package ner, or nil if there are none.
func (p *Pipeline) result(w *work, text string) []ner.Entity {
	n := p.countEntities(w)
	if n == 0 {
		return nil
	}
	ents := make([]ner.Entity, n)
	for i := range ents {
		span := p.entTokens(w, i)
		first, last := &w.tokens[span.Start], &w.tokens[span.End-1]
		ents[i] = ner.Entity{
			Text:  text[first.Start:last.End],
			Start: first.Start, End: last.End,
			RuneStart: first.RuneStart, RuneEnd: last.RuneEnd,
		}
		if w.doc.Tokens != nil {
			ents[i].Label, ents[i].ID = w.doc.Ents[i].Label, w.doc.Ents[i].ID
		} else {
			ents[i].Label = p.ner.classes[w.entities[i].class].label
		}
	}
	return ents
}

// countEntities returns how many entities findEntities has found.
func (p *Pipeline) countEntities(w *work) int {
	if w.doc.Tokens != nil {
		return len(w.doc.Ents)
	}
	return len(w.entities)
}

// entTokens returns the tokens of the entity i that findEntities has found.
func (p *Pipeline) entTokens(w *work, i int) ner.Span {
	if w.doc.Tokens != nil {
		return ner.Span{Start: w.doc.Ents[i].Start, End: w.doc.Ents[i].End}
	}
	return ner.Span{Start: w.entities[i].first, End: w.entities[i].end}
}
