// Package ner holds the words every recognizer shares: what an entity is and
// what it means to find them. The implementations are ner/spacy, which runs
// spaCy's own pipelines, and ner/prose, which is built in.
package ner

import (
	"context"
	"errors"
)

// ErrTooLong says that a recognizer takes no text of that length. It is wrapped
// with what the length is and what it may be.
var ErrTooLong = errors.New("text too long")

// Entity is a named entity found in a text. Both kinds of offset are given
// because both are asked for: Go slices bytes, spaCy and its users count code
// points.
type Entity struct {
	Text  string // the text of the entity: text[Start:End]
	Label string // as the model names it: PERSON, GPE, ORG, …

	Start, End         int // byte offsets in the text, half open
	RuneStart, RuneEnd int // the same in code points
}

// Recognizer finds the entities of a text, in the order they appear, without
// overlap. It is safe for use by several goroutines at once.
//
// The text must be valid UTF-8. An implementation stops early and returns the
// error of ctx when ctx ends; it may take a few milliseconds to notice.
type Recognizer interface {
	Entities(ctx context.Context, text string) ([]Entity, error)
}
