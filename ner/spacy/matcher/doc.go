// Package matcher finds tokens by the patterns of spaCy's rulers. It has spaCy's Matcher,
// for patterns of tokens, and its PhraseMatcher, for texts.
//
//	rule, err := matcher.ParseRule([]byte(`{"label":"ORG","pattern":[{"LOWER":"acme"},{"IS_DIGIT":true,"OP":"?"}]}`))
//	…
//	m := matcher.New(…)
//	err = m.Add(0, rule.Tokens)
//	matches, err := m.Match(ctx, doc, nil)
//
// The matches are those of spaCy, in spaCy's order. A pattern that this package cannot run
// exactly as spaCy does is an error when it is added, which names the attribute or the
// operator and its value.
//
// # Limits
//
// spaCy can take exponential time for a pattern with many optional tokens. This package
// needs at most one step for each token of a text, each token at which a match can have
// begun, and each token of a pattern. A pattern like "any number of tokens, and then x" can
// match from every token of a text to every later one. So the steps of a text have a limit,
// [MaxSteps], and the matches, too, [MaxMatches]. Beyond it Match returns [ErrTooMuch]. A regular expression needs a time that grows linearly with the token.
package matcher

import (
	"errors"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// Doc has the tokens of a text, and the entities that are known so far.
type Doc struct {
	Text   string
	Tokens []tokenizer.Token
	Ents   []Ent // in the order of the text, without overlap

	// NoEnts says that no component has looked for entities yet. Then ENT_IOB is "" for
	// every token, and otherwise "O" for a token of no entity.
	NoEnts bool

	// Annotations has that of each token. It may be nil if no pattern has an attribute such as
	// TAG, see Uses.
	Annotations []ner.Annotation

	// SentStarts says where sentences start. It may be nil if no pattern has SENT_START.
	SentStarts []bool

	// IDs has spaCy's ENT_ID of each token. It is nil if no token has one. A token keeps
	// the id of an entity that was removed.
	IDs []string
}

// Ent is an entity: the tokens Start to End-1.
type Ent struct {
	Start, End int
	Label, ID  string
}

// Match says that the tokens Start to End-1 fit a pattern with that key.
type Match struct{ Key, Start, End int32 }

// The limits for one text.
const (
	// MaxSteps is how many steps the patterns may make beyond their first tokens.
	MaxSteps = 100_000_000

	// MaxMatches is how many matches a text may have. A match that is found in two ways
	// counts twice.
	MaxMatches = 4_000_000
)

// ErrTooMuch is the error for a text in which the patterns have more steps than MaxSteps or
// more matches than MaxMatches.
var ErrTooMuch = errors.New("the patterns match too much of this text: make them narrower, or split the text")
