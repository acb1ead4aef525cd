// Package ner has the types that all recognizers share: Entity and Recognizer. The
// implementations are ner/spacy, which runs spaCy's own pipelines, and ner/prose, which
// is built in.
package ner

import (
	"context"
	"fmt"
)

// Entity is a named entity in a text. It has two kinds of offsets, because Go counts
// bytes, and spaCy and its users count code points.
type Entity struct {
	Text  string // the text of the entity: text[Start:End]
	Label string // the model's name for the kind of entity: PERSON, GPE, ORG, …

	Start, End         int // byte offsets in the text
	RuneStart, RuneEnd int // the same offsets in code points
}

// Recognizer finds the entities of a text. Entities returns them in the order of the text,
// without overlap. Several goroutines may use a Recognizer at once.
//
// The text must be valid UTF-8. When ctx ends, Entities stops and returns the error of
// ctx. It may take a few milliseconds to notice. For a text that is too long for an
// implementation, Entities returns a [TooLongError].
type Recognizer interface {
	Entities(ctx context.Context, text string) ([]Entity, error)
}

// TooLongError is the error for a text that is longer than an implementation accepts.
type TooLongError struct {
	Length, Limit int // in code points
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("text too long: %d code points, the limit is %d: split it", e.Length, e.Limit)
}
