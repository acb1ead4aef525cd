package spacy

import (
	"context"
	"fmt"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// A rule may look at what components before the ruler have found: TAG, POS, MORPH, LEMMA, DEP
// and SENT_START. Components after the ruler have not run for it.

// look sets what the ruler looks at, and the components that must run for it. phrases says that
// it has rules with a text that is not empty.
func (r *ruler) look(a *annotators, phrases bool) error {
	for _, n := range annotationNames {
		if r.tokens.Uses(n.attr) || phrases && r.phrases.Uses(n.attr) {
			r.needs |= n.field
		}
	}
	if r.tokens.Uses("SENT_START") {
		r.needs |= ner.Sents
	}
	var missing ner.Want
	var err error
	if r.looks, missing, err = a.neededBefore(r.needs, r.place); err != nil {
		return fmt.Errorf("component %q: its rules need another component: %w: save the pipeline without these rules", r.name, err)
	}
	for _, n := range annotationNames {
		if missing&n.field != 0 && (r.tokens.Compares(n.attr) || phrases && r.phrases.Uses(n.attr)) {
			return fmt.Errorf("component %q: its rules have %s, for which spaCy fails: %s", r.name, n.attr, a.lacks(n.field, r.place))
		}
	}
	return nil
}

// lacks says why no component before a place of the pipeline sets a field, and what to do.
func (a *annotators) lacks(field ner.Want, place int) string {
	for i := range a.list {
		if c := &a.list[i]; c.place > place && c.sets&field != 0 {
			if a.know(i); c.sets&field != 0 {
				return fmt.Sprintf("%q, which sets it, comes later: save the pipeline in another order, or without these rules", c.name)
			}
		}
	}
	return a.why[field].Error() + ": save the pipeline without these rules"
}

// phrase makes d the text of a rule. As in spaCy it goes through the components before the ruler,
// if texts are compared by what they find.
func (p *Pipeline) phrase(d *matcher.Doc, text string, r *ruler) (err error) {
	ctx := context.Background()
	d.Text = text
	if !r.phrases.Annotated() {
		d.Tokens, err = p.tokenizer.TokenizeContext(ctx, text, d.Tokens[:0])
		return err
	}
	w, err := p.begin(ctx, text)
	if err != nil {
		return err
	}
	defer p.putWork(w)
	d.Tokens = append(d.Tokens[:0], w.tokens...)
	d.Annotations, err = p.prepare(ctx, w, r.looks, false, true)
	return err
}
