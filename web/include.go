package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// include says what an answer has beside the entities.
type include struct {
	tokens bool
	want   ner.Want // sentences, and annotations of the tokens
}

const (
	hintInclude      = `for example "include": ["sents", "tokens"]; without it only entities are answered`
	hintIncludeLines = `for example ?include=sents,tokens; without it only entities are answered`
)

// includes are the names in `include`, with what they ask for: 0 for tokens. Those from "tag"
// on are what each token can have, with the keys of spaCy's Doc.to_json. dep has head with it.
var includes = []struct {
	name string
	want ner.Want
}{
	{"sents", ner.Sents}, {"tokens", 0}, {"noun_chunks", ner.NounChunks},
	{"tag", ner.Tag}, {"pos", ner.Pos}, {"morph", ner.Morph}, {"lemma", ner.Lemma}, {"dep", ner.Dep},
}

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
		want, ok := included(name)
		if !ok {
			return in, invalid(fmt.Sprintf("`include` has %.64q, want %s", name, includeNames()), hint)
		}
		in.want |= want
		in.tokens = in.tokens || want == 0 || want&ner.Annotations != 0
	}
	if in == (include{}) {
		return in, nil
	}
	a, ok := m.Recognizer.(ner.Analyzer)
	if !ok {
		return in, invalid("`include` has "+list[0]+", but the model finds only entities", "leave out `include`, or ask for a spaCy model")
	}
	if err := a.Check(0); err != nil {
		return in, invalid("`include` has "+list[0]+", but "+err.Error(), "leave out `include`, or ask a server without that component")
	}
	for _, name := range list {
		want, _ := included(name)
		if err := a.Check(want); err != nil {
			return in, invalid("`include` has "+name+", but "+err.Error(), "leave out "+name+", or ask for a model that finds it")
		}
	}
	return in, nil
}

// included returns what a name in `include` asks for. ok is false for an unknown name.
func included(name string) (want ner.Want, ok bool) {
	for _, i := range includes {
		if i.name == name {
			return i.want, true
		}
	}
	return 0, false
}

// includeNames returns all names in `include` for an error.
func includeNames() string {
	var names []string
	for _, i := range includes {
		names = append(names, strconv.Quote(i.name))
	}
	return strings.Join(names, ", ")
}

// find returns the entities of a text, what else is to be included, and the number of
// tokens, 0 if the recognizer does not tell it.
func (m *model) find(ctx context.Context, text string, in include) (doc *ner.Doc, tokens int, err error) {
	if m.analyzer == nil {
		found, err := m.Recognizer.Entities(ctx, text)
		return &ner.Doc{Ents: found}, 0, err
	}
	if doc, err = m.analyzer.Analyze(ctx, text, in.want); err != nil {
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
	if q.include.want&ner.Sents != 0 {
		b = append(b, `,"sents":`...)
		b = textjson.AppendSpans(b, text, doc, doc.Sents, q.offsets)
	}
	if q.include.want&ner.NounChunks != 0 {
		b = append(b, `,"noun_chunks":`...)
		b = textjson.AppendSpans(b, text, doc, doc.NounChunks, q.offsets)
	}
	if q.include.tokens {
		b = append(b, `,"tokens":`...)
		b = textjson.AppendTokens(b, text, doc, q.include.want, q.offsets)
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
