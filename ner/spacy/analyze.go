package spacy

import (
	"context"
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/ner"
)

// Analyze returns the tokens and the entities of a text, and what is wanted of its sentences
// (those of spaCy's Doc.sents) and annotations (tag_, pos_, morph, lemma_, dep_ and head of
// spaCy's Token). It implements [ner.Analyzer]. It fails like [Pipeline.Entities], and with
// the error of [Pipeline.Check].
//
// For its sentences and dependencies a text must be parsed to its end. So it takes up to
// three times as long as without them.
func (p *Pipeline) Analyze(ctx context.Context, text string, want ner.Want) (*ner.Doc, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	list, err := p.check(want)
	if err != nil {
		return nil, err
	}
	w, err := p.begin(ctx, text)
	if err != nil {
		return nil, err
	}
	defer p.putWork(w)
	sents := want&ner.Sents != 0 || want&ner.Whole != 0 && p.noSents == nil
	out, err := p.prepare(ctx, w, join(list, p.looks), sents, p.looking || want&^ner.Sents != 0)
	if err != nil {
		return nil, err
	}
	if err := p.findEntities(ctx, w); err != nil {
		return nil, err
	}
	doc := &ner.Doc{}
	if want&ner.NounChunks != 0 {
		doc.NounChunks = nounChunks(out)
		doc.Has |= ner.NounChunks
	}
	if want&(ner.Annotations|ner.Whole) != 0 {
		doc.Annotations = out
		doc.Has |= finish(out, want)
	}
	doc.Tokens = make([]ner.Token, len(w.tokens))
	for i := range w.tokens {
		t := &w.tokens[i]
		doc.Tokens[i] = ner.Token{Start: t.Start, End: t.End, RuneStart: t.RuneStart, RuneEnd: t.RuneEnd}
	}
	doc.Ents = p.result(w, text)
	doc.EntTokens = make([]ner.Span, p.countEntities(w))
	for i := range doc.EntTokens {
		doc.EntTokens[i] = p.entTokens(w, i)
	}
	switch {
	case sents:
		doc.Sents = spans(w.parse.sentStarts)
		doc.Has |= ner.Sents
	case want&ner.Whole != 0 && len(w.tokens) < 2: // spaCy says so without looking for sentences
		doc.Sents = spans(make([]bool, len(w.tokens)))
		doc.Has |= ner.Sents
	}
	return doc, nil
}

// prepare finds what comes before the entities of a text: its sentences, if they are wanted,
// and the annotations that the components set, if any are wanted. It keeps those that the
// rulers see. The components come before the recognizer, because they can use the vectors
// that the parser has read.
func (p *Pipeline) prepare(ctx context.Context, w *work, list []annotating, sents, annotations bool) (out []ner.Annotation, err error) {
	taps := p.taps(list, len(w.tokens))
	// The parser reads most of the text for the recognizer. So tags from the same vectors cost
	// less if it reads all of it than if they are computed twice.
	sents = sents || p.sentences && len(taps) > 0
	if sents || slices.ContainsFunc(list, func(c annotating) bool { return c.factory == "parser" }) {
		w.parser.taps = taps
		if err := p.findSentences(ctx, w, len(w.tokens)); err != nil {
			return nil, err
		}
	}
	if annotations {
		out, w.seen, err = annotate(ctx, w, list, slices.Concat(p.before, p.after))
	}
	return out, err
}

// Check returns nil if Analyze can find what is wanted. Otherwise the error names what is
// missing: the components that would find it, but are excluded, disabled, not in the
// pipeline, or cannot be run. It also fails for want 0 if a component changes the tokens
// after the recognizer, such as merge_entities. It implements [ner.Analyzer].
func (p *Pipeline) Check(want ner.Want) error {
	_, err := p.check(want)
	return err
}

// check is Check, and returns the components that must run for the wanted annotations.
func (p *Pipeline) check(want ner.Want) ([]annotating, error) {
	switch {
	case p.noTokens != nil:
		return nil, p.noTokens
	case want&ner.Sents != 0 && p.noSents != nil:
		return nil, p.noSents
	case want&ner.Whole != 0 && p.annotators.noDoc != nil:
		return nil, p.annotators.noDoc
	}
	if want&ner.NounChunks != 0 { // they are computed from these
		if lang := p.meta.Lang; lang != "en" {
			return nil, fmt.Errorf("the noun chunks of the language %q are not implemented", lang)
		}
		if _, err := p.annotators.needed(ner.Pos | ner.Dep); err != nil {
			return nil, err
		}
		want |= ner.Pos | ner.Dep
	}
	return p.annotators.needed(want)
}

// spans returns the sentences of a text. starts[i] reports whether a sentence starts at
// token i.
func spans(starts []bool) []ner.Span {
	var sents []ner.Span
	first := 0
	for i := 1; i <= len(starts); i++ {
		if i == len(starts) || starts[i] {
			sents = append(sents, ner.Span{Start: first, End: i})
			first = i
		}
	}
	return sents
}
