package spacy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// ruler is spaCy's EntityRuler, or a SpanRuler that sets entities. It finds entities by
// rules. rulerfile.go reads its files.
type ruler struct {
	name    string
	tokens  *matcher.Matcher
	phrases *matcher.PhraseMatcher
	keys    []ruleKey // by the key of a match
	ids     []uint64  // by key: spaCy's id of the key's name

	place int          // in the pipeline
	needs ner.Want     // what the rules look at: annotations, and Sents for SENT_START
	looks []annotating // the components that set these annotations
	sents bool         // a component before this one finds sentences

	resolve func(r *ruler, d *matcher.Doc, matches []matcher.Match)
}

// ruleKey is what an entity gets from its rule.
type ruleKey struct{ label, id string }

// apply finds the entities of the rules, and brings them together with those of d.
func (r *ruler) apply(ctx context.Context, d *matcher.Doc) error {
	if name := r.tokens.Missing(d); name != "" {
		return fmt.Errorf("component %q: no token of this text has %s, and for such a text the rules fail in spaCy, too", r.name, name)
	}
	matches, err := r.tokens.Match(ctx, d, nil)
	if err == nil {
		matches, err = r.phrases.Match(ctx, d, matches)
	}
	switch {
	case errors.Is(err, matcher.ErrTooMuch):
		return fmt.Errorf("component %q: %w", r.name, err)
	case err != nil:
		return err
	}
	r.resolve(r, d, matches)
	d.NoEnts = false
	return nil
}

// rule runs a ruler, the ruler i of the pipeline.
func (p *Pipeline) rule(ctx context.Context, w *work, r *ruler, i int) error {
	d := &w.doc
	d.Annotations, d.SentStarts = nil, nil
	if r.needs&ner.Annotations != 0 {
		d.Annotations = w.seen[i]
	}
	if r.needs&ner.Sents != 0 {
		var err error
		if d.SentStarts, err = p.sentStarts(ctx, w, r.sents); err != nil {
			return err
		}
	}
	return r.apply(ctx, d)
}

// sentStarts says where sentences start, after a component has found them or before any has.
func (p *Pipeline) sentStarts(ctx context.Context, w *work, found bool) ([]bool, error) {
	if found {
		err := p.findSentences(ctx, w, len(w.tokens))
		return w.parse.sentStarts, err
	}
	starts := make([]bool, len(w.tokens))
	if len(starts) > 0 {
		starts[0] = startsText(w.tokens)
	}
	return starts, nil
}

// longestFirst compares two spans of tokens: a longer one comes first, and of spans with
// the same length the one that starts first.
func longestFirst(aStart, aEnd, bStart, bEnd int) int {
	return cmp.Or(cmp.Compare(bEnd-bStart, aEnd-aStart), cmp.Compare(aStart, bStart))
}

// taken says which tokens belong to a span.
type taken struct {
	before []int32 // how many tokens before token i belonged to an entity at the beginning
	seen   []bool  // the tokens of spans that were taken since
}

// newTaken returns a taken for n tokens. Of ents it knows which tokens they have.
func newTaken(n int, ents []matcher.Ent) taken {
	t := taken{make([]int32, n+1), make([]bool, n)}
	for _, e := range ents {
		for i := e.Start; i < e.End; i++ {
			t.before[i+1] = 1
		}
	}
	for i := range n {
		t.before[i+1] += t.before[i]
	}
	return t
}

// inEnts reports whether one of the tokens belonged to an entity at the beginning.
func (t taken) inEnts(start, end int) bool { return t.before[end] > t.before[start] }

// take takes a span, unless it overlaps one that was taken earlier. No earlier span may be
// shorter.
func (t taken) take(start, end int) bool {
	if t.seen[start] || t.seen[end-1] {
		return false
	}
	for i := start; i < end; i++ {
		t.seen[i] = true
	}
	return true
}

// without returns the entities that have no token of a span that was taken.
func (t taken) without(ents []matcher.Ent) []matcher.Ent {
	var out []matcher.Ent
	for _, e := range ents {
		if !slices.Contains(t.seen[e.Start:e.End], true) {
			out = append(out, e)
		}
	}
	return out
}

// setEnts makes ents the entities of d, as spaCy's Doc.set_ents does. Spans without a label
// are no entities. An id goes to all tokens of its entity. A token keeps the id that it
// has, if its entity has none. An entity has the id of its first token.
func setEnts(d *matcher.Doc, ents []matcher.Ent) {
	ents = slices.DeleteFunc(ents, func(e matcher.Ent) bool { return e.Label == "" })
	slices.SortFunc(ents, func(a, b matcher.Ent) int { return cmp.Compare(a.Start, b.Start) })
	for i := range ents {
		e := &ents[i]
		if e.ID != "" && d.IDs == nil {
			d.IDs = make([]string, len(d.Tokens))
		}
		for t := e.Start; e.ID != "" && t < e.End; t++ {
			d.IDs[t] = e.ID
		}
		if d.IDs != nil {
			e.ID = d.IDs[e.Start]
		}
	}
	d.Ents = ents
}

// ent returns the entity of a match.
func (r *ruler) ent(m matcher.Match) matcher.Ent {
	k := &r.keys[m.Key]
	return matcher.Ent{Start: int(m.Start), End: int(m.End), Label: k.label, ID: k.id}
}

// resolveEntityRuler returns how an EntityRuler sets entities: longer matches come first, and
// with overwrite a match replaces the entities that it overlaps.
func resolveEntityRuler(overwrite bool) func(r *ruler, d *matcher.Doc, matches []matcher.Match) {
	return func(r *ruler, d *matcher.Doc, matches []matcher.Match) {
		matches = r.inOrder(matches)
		t := newTaken(len(d.Tokens), d.Ents)
		var found []matcher.Ent
		for _, m := range matches {
			if !overwrite && t.inEnts(int(m.Start), int(m.End)) {
				continue
			}
			if t.take(int(m.Start), int(m.End)) {
				found = append(found, r.ent(m))
			}
		}
		setEnts(d, append(t.without(d.Ents), found...))
	}
}

// inOrder returns the matches in the order in which an EntityRuler looks at them.
func (r *ruler) inOrder(matches []matcher.Match) []matcher.Match {
	byLength := func(a, b matcher.Match) int {
		return longestFirst(int(a.Start), int(a.End), int(b.Start), int(b.End))
	}
	sorted := slices.Clone(matches)
	slices.SortStableFunc(sorted, byLength)
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		if a.Start == b.Start && a.End == b.End && a.Key != b.Key {
			sorted = matcher.InSetOrder(matches, r.ids)
			slices.SortStableFunc(sorted, byLength)
			break
		}
	}
	return sorted
}

// spans returns the matches as a SpanRuler has them: without repetitions, in the order of
// their places, the ids of their labels and their own ids.
func (r *ruler) spans(matches []matcher.Match) []matcher.Ent {
	type span struct {
		matcher.Ent
		label, id uint64
	}
	spans := make([]span, 0, len(matches))
	for _, m := range matches {
		e := r.ent(m)
		spans = append(spans, span{e, tokenizer.StringID(e.Label), tokenizer.StringID(e.ID)})
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.label, b.label), cmp.Compare(a.id, b.id))
	})
	spans = slices.Compact(spans)
	out := make([]matcher.Ent, len(spans))
	for i, s := range spans {
		out[i] = s.Ent
	}
	return out
}

// entsFilter brings the entities of a text and the spans of a SpanRuler together. It
// returns spans that do not overlap.
type entsFilter func(d *matcher.Doc, ents, spans []matcher.Ent) []matcher.Ent

// entsFilters has spaCy's filters by their registered names.
var entsFilters = map[string]entsFilter{
	"spacy.first_longest_spans_filter.v1": func(d *matcher.Doc, ents, spans []matcher.Ent) []matcher.Ent {
		return newTaken(len(d.Tokens), nil).longest(append(slices.Clone(ents), spans...))
	},
	"spacy.prioritize_new_ents_filter.v1": func(d *matcher.Doc, ents, spans []matcher.Ent) []matcher.Ent {
		t := newTaken(len(d.Tokens), nil)
		found := t.longest(spans)
		return append(t.without(ents), found...)
	},
	"spacy.prioritize_existing_ents_filter.v1": func(d *matcher.Doc, ents, spans []matcher.Ent) []matcher.Ent {
		t := newTaken(len(d.Tokens), ents)
		spans = slices.DeleteFunc(slices.Clone(spans), func(s matcher.Ent) bool { return t.inEnts(s.Start, s.End) })
		return append(slices.Clone(ents), t.longest(spans)...)
	},
}

// longest takes the spans that do not overlap a longer one, or one that starts earlier, or
// an earlier one of the list with the same tokens.
func (t taken) longest(spans []matcher.Ent) []matcher.Ent {
	slices.SortStableFunc(spans, func(a, b matcher.Ent) int { return longestFirst(a.Start, a.End, b.Start, b.End) })
	var out []matcher.Ent
	for _, s := range spans {
		if t.take(s.Start, s.End) {
			out = append(out, s)
		}
	}
	return out
}

// resolveSpanRuler returns how a SpanRuler with a filter sets entities. With overwrite it drops
// the entities that the text has.
func resolveSpanRuler(overwrite bool, filter entsFilter) func(r *ruler, d *matcher.Doc, matches []matcher.Match) {
	return func(r *ruler, d *matcher.Doc, matches []matcher.Match) {
		ents := d.Ents
		if overwrite {
			ents = nil
		}
		setEnts(d, filter(d, ents, r.spans(matches)))
	}
}
