package web

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// include says what an answer has beside the entities.
type include struct{ sents, tokens bool }

const (
	hintInclude      = `for example "include": ["sents", "tokens"]; without it only entities are answered`
	hintIncludeLines = `for example ?include=sents,tokens; without it only entities are answered`
)

// includeOf reads what an answer shall have beside the entities: nothing if nothing is
// said. It fails if the model does not find it.
func (m *model) includeOf(value []byte) (include, *failure) {
	if value == nil {
		return include{}, nil
	}
	var list []string
	if err := json.Unmarshal(value, &list); err != nil || value[0] != '[' {
		return include{}, invalid("`include` is not a list of strings", hintInclude)
	}
	return m.including(list, hintInclude)
}

// including does what includeOf does for a list of names. hint says how to write one.
func (m *model) including(list []string, hint string) (include, *failure) {
	var in include
	for _, name := range list {
		switch name {
		case "sents":
			in.sents = true
		case "tokens":
			in.tokens = true
		default:
			return in, invalid(fmt.Sprintf("`include` has %.64q, want \"sents\" or \"tokens\"", name), hint)
		}
	}
	if in == (include{}) {
		return in, nil
	}
	a, ok := m.Recognizer.(ner.Analyzer)
	if !ok {
		return in, invalid("`include` has "+list[0]+", but the model finds only entities", "leave out `include`, or ask for a spaCy model")
	}
	if err := a.CheckTokens(); err != nil {
		return in, invalid("`include` has "+list[0]+", but "+err.Error(), "leave out `include`, or ask a server without that component")
	}
	if in.sents {
		if err := a.CheckSents(); err != nil {
			return in, invalid("`include` has sents, but "+err.Error(), "leave out sents, or ask for a model that finds sentences")
		}
	}
	return in, nil
}

// find returns the entities of a text, what else is to be included, and the number of
// tokens, 0 if the recognizer does not tell it.
func (m *model) find(ctx context.Context, text string, in include) (doc *ner.Doc, tokens int, err error) {
	if m.analyzer == nil {
		found, err := m.Recognizer.Entities(ctx, text)
		return &ner.Doc{Ents: found}, 0, err
	}
	if doc, err = m.analyzer.Analyze(ctx, text, in.sents); err != nil {
		return nil, 0, err
	}
	tokens = len(doc.Tokens)
	if in == (include{}) {
		doc.Tokens, doc.EntTokens = nil, nil // the answer has no place for them
	}
	return doc, tokens, nil
}

// appendDoc appends the fields of an answer about one text: the entities whose labels are
// wanted, and what is to be included.
func (q *query) appendDoc(b []byte, text string, doc *ner.Doc) []byte {
	ents, tokens := doc.Ents, doc.EntTokens
	if !q.include.tokens {
		tokens = nil
	}
	if q.labels != nil {
		ents, tokens = q.wanted(ents, tokens)
	}
	b = append(b, `"ents":`...)
	b = textjson.AppendEntsWithTokens(b, text, ents, tokens, q.offsets)
	if q.include.sents {
		b = append(b, `,"sents":`...)
		b = textjson.AppendSents(b, text, doc, q.offsets)
	}
	if q.include.tokens {
		b = append(b, `,"tokens":`...)
		b = textjson.AppendTokens(b, text, doc.Tokens, q.offsets)
	}
	return b
}

// wanted returns the entities whose labels are wanted, with their tokens. tokens may be
// nil.
func (q *query) wanted(ents []ner.Entity, tokens []ner.Span) (some []ner.Entity, their []ner.Span) {
	for i, e := range ents {
		if !q.labels[e.Label] {
			continue
		}
		some = append(some, e)
		if tokens != nil {
			their = append(their, tokens[i])
		}
	}
	return some, their
}
