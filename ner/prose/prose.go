// Package prose finds named entities with jdkato/prose v2, a small classical
// model that is built into the binary: PERSON and GPE (countries, cities) in
// the main, ORG, LOCATION, FACILITY and GSP now and then.
//
//	r, err := prose.New()
//	entities, err := r.Entities(ctx, "Angela Merkel was born in Hamburg.")
//
// prose itself is a library for one text at a time. What this package adds:
//
//   - one model for the process, shared by goroutines (prose loads one per text),
//     and its classifier in a form that takes a tenth of the time;
//   - offsets: prose gives the texts of entities, joined with blanks;
//   - the entity at the end of a text, which prose loses;
//   - bounded time and memory. prose panics on some texts and takes minutes for
//     others; here the time grows with the length and no more, and a context
//     is looked at every few kilobytes.
//
// A text of up to 4096 bytes, without its white space, gets prose's own answer,
// but for runs without white space that no name is (see maxSpan).
// A longer one is read in pieces, and since prose gives every occurrence of a
// word in a text the label of the last one, its answer may differ. prose is not
// quite deterministic: where two parts of speech come out equal, in about one
// text of a thousand, it picks one at random, and an entity may depend on it.
package prose

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"unicode/utf8"

	"github.com/jdkato/prose/v2"

	"github.com/narwhal-server/narwhal/ner"
)

// A Recognizer finds entities with prose's English model.
type Recognizer struct {
	tagger      *prose.Model // without its classifier
	*classifier              // which is this one
}

var _ ner.Recognizer = (*Recognizer)(nil)

// New returns a recognizer. The first call in a process loads the model, which
// takes about half a second; the later ones share it.
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
	// Decoding leaves more garbage than model, and a worker may sit idle for
	// long before the next collection returns it.
	debug.FreeOSMemory()
	return &Recognizer{doc.Model, c}, nil
})

// Entities returns the entities of text in the order they appear.
func (r *Recognizer) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	var entities []ner.Entity
	at, runes := 0, 0 // a byte offset up to which the characters are counted
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
		for _, c := range chunks(tokens) {
			e := ner.Entity{Label: c.label, Start: tokens[c.first].start, End: tokens[c.last].end}
			e.Text = text[e.Start:e.End]
			e.RuneStart = runesTo(e.Start)
			e.RuneEnd = runesTo(e.End)
			entities = append(entities, e)
		}
	}
	return entities, nil
}
