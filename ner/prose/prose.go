// Package prose finds named entities with jdkato/prose v2, a small classical model that is
// built into the binary. It finds mostly PERSON and GPE (countries, cities), and sometimes
// ORG, LOCATION, FACILITY and GSP.
//
//	r, err := prose.New()
//	entities, err := r.Entities(ctx, "Angela Merkel was born in Hamburg.")
//
// prose itself is a library for one text at a time. This package adds:
//
//   - One model for the process, shared by goroutines. (prose loads one for each text.)
//     Its classifier has a form that takes a tenth of the time.
//   - Offsets. prose returns only the texts of entities, joined with spaces.
//   - The entity at the end of a text, which prose loses.
//   - Bounded time and memory. prose panics on some texts and takes minutes for others.
//     Here the time is proportional to the length, and the context is checked every few
//     kilobytes.
//
// A text of up to 4096 bytes gets prose's own answer, except for long runs without white
// space that cannot be names (see maxSpan). For this limit each run of white space counts
// as one byte. A longer text is read in pieces. Its answer may differ from prose's, because
// prose gives every occurrence of a word in a text the label of the last occurrence.
//
// prose is not quite deterministic. In about one text of a thousand two parts of speech
// have equal scores, and prose takes one at random. An entity may depend on that.
package prose

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/jdkato/prose/v2"

	"github.com/narwhal-server/narwhal/ner"
)

// A Recognizer finds entities with prose's English model.
type Recognizer struct {
	tagger      *prose.Model // finds parts of speech only
	*classifier              // labels the tokens
}

var _ ner.Analyzer = (*Recognizer)(nil)

// New returns a recognizer. The first call in a process loads the model, which takes about
// half a second. Later calls return the same recognizer.
func New() (*Recognizer, error) { return load() }

var load = sync.OnceValues(func() (r *Recognizer, err error) {
	// prose panics if its embedded model does not decode.
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("load the model of prose: %v", v)
		}
	}()
	doc, err := prose.NewDocument("", prose.WithSegmentation(false), prose.WithExtraction(false))
	if err != nil {
		return nil, fmt.Errorf("load the model of prose: %w", err)
	}
	c, err := newClassifier()
	if err != nil {
		return nil, fmt.Errorf("load the model of prose: %w", err)
	}
	// Decoding leaves more garbage than the model takes. Free it now, because a worker may
	// idle for long before the next garbage collection.
	debug.FreeOSMemory()
	return &Recognizer{doc.Model, c}, nil
})

// Labels returns the labels that entities can have, sorted.
func (r *Recognizer) Labels() []string {
	var labels []string
	for _, l := range r.labels {
		if strings.HasPrefix(l, "B-") {
			labels = append(labels, entityLabel([]token{{label: l}}))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(labels)))
}

// Entities returns the entities of text in the order of the text. It implements
// [ner.Recognizer].
func (r *Recognizer) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	doc, err := r.Analyze(ctx, text, 0)
	if err != nil {
		return nil, err
	}
	return doc.Ents, nil
}

// Analyze returns prose's tokens and the entities of text. It implements [ner.Analyzer].
// Some characters are in no token: those that prose loses ("John's." becomes "John"), and
// long runs without white space (see maxSpan). It fails with the error of Check.
func (r *Recognizer) Analyze(ctx context.Context, text string, want ner.Want) (*ner.Doc, error) {
	if err := r.Check(want); err != nil {
		return nil, err
	}
	doc := &ner.Doc{}
	at, runes := 0, 0 // text[:at] has this number of runes
	runesTo := func(offset int) int {
		runes += utf8.RuneCountInString(text[at:offset])
		at = offset
		return runes
	}
	for from := 0; from < len(text); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		piece, next := nextPiece(text, from)
		from = next
		if len(piece) == 0 {
			continue
		}
		tokens, err := r.tokens(text, piece)
		if err != nil {
			return nil, err
		}
		before := len(doc.Tokens)
		for _, t := range tokens {
			token := ner.Token{Start: t.start, End: t.end, RuneStart: runesTo(t.start)}
			token.RuneEnd = runesTo(t.end)
			doc.Tokens = append(doc.Tokens, token)
		}
		for _, c := range chunks(tokens) {
			span := ner.Span{Start: before + c.first, End: before + c.last + 1}
			first, last := doc.Tokens[span.Start], doc.Tokens[span.End-1]
			doc.EntTokens = append(doc.EntTokens, span)
			doc.Ents = append(doc.Ents, ner.Entity{
				Text: text[first.Start:last.End], Label: c.label,
				Start: first.Start, End: last.End,
				RuneStart: first.RuneStart, RuneEnd: last.RuneEnd,
			})
		}
	}
	return doc, nil
}

// Check returns nil for tokens, and an error for all else. prose finds the texts of sentences,
// but not their places, and reads its model for that again for every text. Its tags are not
// those of a pipeline of spaCy. It implements [ner.Analyzer].
func (r *Recognizer) Check(want ner.Want) error {
	switch {
	case want&ner.Sents != 0:
		return errNoSents
	case want != 0:
		return errNoAnnotations
	}
	return nil
}

var (
	errNoSents       = errors.New("prose does not say where sentences are")
	errNoAnnotations = errors.New("prose finds only tokens and entities")
)
