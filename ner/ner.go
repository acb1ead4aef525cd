// Package ner has the types that all recognizers share: Entity and Recognizer, and for
// those that also find tokens and sentences Doc and Analyzer. The implementations are
// ner/spacy, which runs spaCy's own pipelines, and ner/prose, which is built in.
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

	// ID is the id of the rule that has found the entity: spaCy's ent_id_. It is "" if the
	// rule has none, or if no rule has found the entity.
	ID string
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

// Analyzer is a Recognizer that also finds the tokens of a text, and perhaps its sentences.
// Not every Recognizer is an Analyzer.
type Analyzer interface {
	Recognizer

	// Analyze returns the tokens and the entities of a text, and with sents also its
	// sentences. The entities are those of Entities. It fails like Entities, and with the
	// error of CheckTokens. With sents it also fails with the error of CheckSents.
	Analyze(ctx context.Context, text string, sents bool) (*Doc, error)

	// CheckTokens returns nil if Analyze works. Otherwise its error says why the tokens of
	// a text are unknown, and what to do about it. The result does not change.
	CheckTokens() error

	// CheckSents returns nil if Analyze can find sentences. Otherwise its error says what
	// is missing, and what to do about it. The result does not change.
	CheckSents() error
}

// Doc has what an Analyzer finds in a text. The names are those of spaCy's Doc.
type Doc struct {
	Tokens []Token // in the order of the text, without overlap
	Sents  []Span  // the sentences, which have all tokens; nil if they were not asked for

	Ents      []Entity
	EntTokens []Span // EntTokens[i] are the tokens of Ents[i]
}

// Token is a token of a text: text[Start:End].
type Token struct {
	Start, End         int // byte offsets in the text
	RuneStart, RuneEnd int // the same offsets in code points
}

// Span is a part of a Doc, as in spaCy: its tokens are Doc.Tokens[Start:End].
type Span struct{ Start, End int }

// TooLongError is the error for a text that is longer than an implementation accepts.
type TooLongError struct {
	Length, Limit int // in code points
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("text too long: %d code points, the limit is %d: split it", e.Length, e.Limit)
}
