package spacy

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/ner"
)

// The annotations of tokens come from components that cannot change an entity: tagger,
// morphologizer, attribute_ruler, lemmatizer, and the arcs of the parser. Their files are
// read, and they run, only for a caller who asks for what they set, or for a ruler whose
// rules look at it.

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
	known bool  // its files were read
}

// annotators are the components that set annotations, in the order of the pipeline.
type annotators struct {
	once  sync.Once
	read  func(*annotating) // reads the files of a component
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
	attr      string // the name of the attribute in a pattern
	what, who string
	factories []string
}{
	{ner.Tag, "TAG", "tags", "tagger", []string{"tagger"}},
	{ner.Pos, "POS", "parts of speech", "morphologizer or attribute_ruler that sets them", []string{"morphologizer", "attribute_ruler"}},
	{ner.Morph, "MORPH", "features", "morphologizer or attribute_ruler that sets them", []string{"morphologizer", "attribute_ruler"}},
	{ner.Lemma, "LEMMA", "lemmas", "lemmatizer", []string{"lemmatizer", "trainable_lemmatizer"}},
	{ner.Dep, "DEP", "dependencies", "parser", []string{"parser", "beam_parser"}},
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
	// Several goroutines may be here. So all files are read at once.
	a.once.Do(func() {
		for i := range a.list {
			a.know(i)
		}
	})
	list, missing, err := a.neededBefore(want, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if missing != 0 && !whole {
		for _, n := range annotationNames {
			if missing&n.field != 0 {
				return nil, a.why[n.field]
			}
		}
	}
	return list, nil
}

// neededBefore returns the components before a place of the pipeline that must run for the
// wanted fields, and the fields that none of them sets. It fails if one of them cannot be run.
// It reads the files of those that may be needed.
func (a *annotators) neededBefore(want ner.Want, place int) (list []annotating, missing ner.Want, err error) {
	want &= ner.Annotations
	found, missing := ner.Want(0), want
	for i := range slices.Backward(a.list) {
		c := &a.list[i]
		if c.place >= place || c.sets&want == 0 {
			continue
		}
		if a.know(i); c.err != nil {
			return nil, 0, c.err
		}
		if c.sets&want == 0 { // an attribute_ruler without such a rule
			continue
		}
		found |= c.sets
		want |= c.reads
		list = append(list, *c)
	}
	slices.Reverse(list)
	return list, missing &^ found, nil
}

// know reads the files of a component, unless they were read.
func (a *annotators) know(i int) {
	if c := &a.list[i]; !c.known {
		a.read(c)
		c.known = true
	}
}

// join returns the components that are in one of two lists.
func join(a, b []annotating) []annotating {
	list := slices.Concat(a, b)
	slices.SortFunc(list, func(a, b annotating) int { return a.place - b.place })
	return slices.CompactFunc(list, func(a, b annotating) bool { return a.place == b.place })
}

// annotate returns the annotations of the text's tokens, and for each ruler those that it sees:
// nothing has run for it that comes later in the pipeline. The parser must have read the text to
// its end if it is one of the components.
func annotate(ctx context.Context, w *work, list []annotating, rulers []*ruler) (out []ner.Annotation, seen [][]ner.Annotation, err error) {
	out = make([]ner.Annotation, len(w.tokens))
	for i := range out {
		out[i].Head = i // as in spaCy, where a parser has not run
	}
	for _, c := range list {
		for len(seen) < len(rulers) && rulers[len(seen)].place < c.place {
			var now []ner.Annotation
			if rulers[len(seen)].needs != 0 {
				now = slices.Clone(out)
			}
			seen = append(seen, now)
		}
		if err := c.run.annotate(ctx, w, out); err != nil {
			return nil, nil, err
		}
	}
	for len(seen) < len(rulers) {
		seen = append(seen, out)
	}
	return out, seen, nil
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
		if a.Morph == morph.None {
			a.Morph = ""
		}
		if want&ner.Dep == 0 {
			a.Head = 0
		}
	}
	return has
}

// tagModel returns the model of a tagger or morphologizer, or nil.
func (c annotating) tagModel() *tagModel {
	switch run := c.run.(type) {
	case *tagger:
		return run.tagModel
	case *morphologizer:
		return run.tagModel
	}
	return nil
}

// taps returns a tap for each model that listens to the parser's network. n is the number of
// tokens.
func (p *Pipeline) taps(list []annotating, n int) []tap {
	var taps []tap
	for _, c := range list {
		if m := c.tagModel(); m != nil && p.parser != nil && m.tok2vec == p.parser.tok2vec {
			taps = append(taps, tap{m, make([]int32, n)})
		}
	}
	return taps
}
