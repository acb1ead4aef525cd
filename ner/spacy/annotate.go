package spacy

import (
	"context"
	"slices"
	"sync"

	"github.com/narwhal-server/narwhal/ner"
)

// The annotations of tokens come from components that cannot change an entity: tagger,
// morphologizer, attribute_ruler, lemmatizer, and the arcs of the parser. Their files are
// read, and they run, only for a caller who asks for what they set.

// annotator is a component that sets annotations.
type annotator interface {
	// annotate sets annotations of the text's tokens. out has those of earlier components.
	annotate(ctx context.Context, w *work, out []ner.Annotation) error
}

// annotating is a component that sets annotations, as planned or as read.
type annotating struct {
	component
	sets  ner.Want // the fields that it sets
	reads ner.Want // the fields from which it computes them
	run   annotator
	err   error // why it cannot be run
}

// annotators are the components that set annotations, in the order of the pipeline.
type annotators struct {
	once  sync.Once
	read  func() // reads the files of list, and sets why
	list  []annotating
	noDoc error              // why Doc has no place for all that the pipeline finds; nil: it has
	why   map[ner.Want]error // by field: why no component sets it
}

// annotatorSets has what the components of a factory set. Of an attribute_ruler its rules
// say it.
var annotatorSets = map[string]ner.Want{
	"tagger": ner.Tag, "morphologizer": ner.Pos | ner.Morph, "attribute_ruler": ner.Annotations,
	"lemmatizer": ner.Lemma, "trainable_lemmatizer": ner.Lemma, "parser": ner.Dep, "beam_parser": ner.Dep,
}

// annotationNames says what the fields of an annotation are, and who can set them.
var annotationNames = []struct {
	field     ner.Want
	what, who string
	factories []string
}{
	{ner.Tag, "tags", "tagger", []string{"tagger"}},
	{ner.Pos, "parts of speech", "morphologizer or attribute_ruler that sets them", []string{"morphologizer", "attribute_ruler"}},
	{ner.Morph, "features", "morphologizer or attribute_ruler that sets them", []string{"morphologizer", "attribute_ruler"}},
	{ner.Lemma, "lemmas", "lemmatizer", []string{"lemmatizer", "trainable_lemmatizer"}},
	{ner.Dep, "dependencies", "parser", []string{"parser", "beam_parser"}},
}

// needed returns the components that must run for the wanted fields. It fails if one of
// them cannot be run, or if none sets a wanted field. With ner.Whole it fails only if one
// cannot be run, and returns all.
func (a *annotators) needed(want ner.Want) ([]annotating, error) {
	whole := want&ner.Whole != 0
	if whole {
		want = ner.Annotations
	}
	if want &= ner.Annotations; want == 0 {
		return nil, nil
	}
	a.once.Do(a.read)
	var list []annotating
	found, missing := ner.Want(0), want
	for _, c := range slices.Backward(a.list) {
		if c.sets&want == 0 {
			continue
		}
		if c.err != nil {
			return nil, c.err
		}
		found |= c.sets
		want |= c.reads
		list = append(list, c)
	}
	if missing &^= found; missing != 0 && !whole {
		for _, n := range annotationNames {
			if missing&n.field != 0 {
				return nil, a.why[n.field]
			}
		}
	}
	slices.Reverse(list)
	return list, nil
}

// annotate returns the annotations of the text's tokens. The parser must have read the text
// to its end if it is one of the components.
func annotate(ctx context.Context, w *work, list []annotating) ([]ner.Annotation, error) {
	out := make([]ner.Annotation, len(w.tokens))
	for i := range out {
		out[i].Head = i // as in spaCy, where a parser has not run
	}
	for _, c := range list {
		if err := c.run.annotate(ctx, w, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// finish removes the fields that are not wanted, and returns those that a token has. A
// token without features has an empty string.
func finish(out []ner.Annotation, want ner.Want) (has ner.Want) {
	if want&ner.Whole != 0 {
		want = ner.Annotations
	}
	for i := range out {
		a := &out[i]
		for _, n := range annotationNames {
			s := field(a, n.field)
			switch {
			case want&n.field == 0:
				*s = ""
			case *s != "":
				has |= n.field
			}
		}
		if a.Morph == noFeats {
			a.Morph = ""
		}
		if want&ner.Dep == 0 {
			a.Head = 0
		}
	}
	return has
}

// taps returns a tap for each model that listens to the parser's network. n is the number of
// tokens.
func (p *Pipeline) taps(list []annotating, n int) []tap {
	var taps []tap
	for _, c := range list {
		var m *tagModel
		switch run := c.run.(type) {
		case *tagger:
			m = run.tagModel
		case *morphologizer:
			m = run.tagModel
		}
		if m != nil && p.parser != nil && m.tok2vec == p.parser.tok2vec {
			taps = append(taps, tap{m, make([]int32, n)})
		}
	}
	return taps
}
