// Package ner holds the words every recognizer shares: what an entity is and
// what it means to find them. The implementations are ner/spacy, which runs
// spaCy's own pipelines, and ner/prose, which is built in.
package ner

import (
	"context"
	"fmt"
)

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
// error of ctx when ctx ends; it may take a few milliseconds to notice. A text
// longer than it takes is a [TooLongError], the fault of who sent it.
type Recognizer interface {
	Entities(ctx context.Context, text string) ([]Entity, error)
}

// TooLongError refuses a text by its length.
type TooLongError struct {
	Length, Limit int // in code points
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("text too long: %d code points, the limit is %d: split it", e.Length, e.Limit)
}
