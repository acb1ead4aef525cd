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

// Analyzer is a Recognizer that also finds the tokens of a text, and perhaps more. Not every
// Recognizer is an Analyzer.
type Analyzer interface {
	Recognizer

	// Analyze returns the tokens and the entities of a text, and what is wanted of it. The
	// entities are those of Entities. It fails like Entities, and with the error of Check.
	Analyze(ctx context.Context, text string, want Want) (*Doc, error)

	// Check returns nil if Analyze can find the tokens of a text and what is wanted.
	// Otherwise its error says what is missing, and what to do about it. The result does not
	// change. The first call may take some milliseconds, because it may read files.
	Check(want Want) error
}

// Want says what Analyze finds beside tokens and entities. Values are joined with |.
type Want uint8

// The names are those of spaCy's Doc and Token.
const (
	Sents Want = 1 << iota // the sentences
	Tag                    // Annotation.Tag, and so on
	Pos
	Morph
	Lemma
	Dep // also Annotation.Head

	// Whole wants all that spaCy's Doc.to_json gives. What no component of the pipeline
	// finds is left out: Doc.Has says what was found. Analyze fails if a component finds
	// something that Doc has no place for.
	Whole

	NounChunks // the base noun phrases

	// Annotations are all fields of Annotation.
	Annotations = Tag | Pos | Morph | Lemma | Dep
)

// Doc has what an Analyzer finds in a text. The names are those of spaCy's Doc.
type Doc struct {
	Tokens []Token // in the order of the text, without overlap
	Sents  []Span  // the sentences, which have all tokens; nil if they were not asked for

	Ents      []Entity
	EntTokens []Span // EntTokens[i] are the tokens of Ents[i]

	NounChunks []Span // the base noun phrases, without overlap; nil if they were not asked for

	// Annotations[i] is that of Tokens[i]. It is nil if none was asked for.
	Annotations []Annotation

	// Has says what was found of that which was asked for. A field of Annotation is not in
	// it if it is empty for all tokens, as in spaCy's Doc.has_annotation.
	Has Want
}

// Token is a token of a text: text[Start:End].
type Token struct {
	Start, End         int // byte offsets in the text
	RuneStart, RuneEnd int // the same offsets in code points
}

// Annotation is what a pipeline says about one token. The fields are spaCy's tag_, pos_,
// morph, lemma_, dep_ and head.i. A field that was not asked for is empty.
type Annotation struct {
	Tag   string // the tag of the treebank: "NNP"
	Pos   string // the part of speech of Universal Dependencies: "PROPN"
	Morph string // the features of Universal Dependencies: "Number=Sing"
	Lemma string // the base form: "be"
	Dep   string // the kind of the arc from the head: "nsubj"
	Head  int    // the index of the head; that of the token itself for the root of a sentence
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
