package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

// engines are narwhal's: full has all components, bare finds no sentences.
type engines struct{ full, bare *spacy.Pipeline }

var idNames = [5]string{"ORTH", "NORM", "PREFIX", "SUFFIX", "SHAPE"}

// compare runs one text, and returns the counts and the differences.
func (e engines) compare(ctx context.Context, h *header, t text, want *record) (tally, error) {
	one := newTally()
	c := one.of(t.Source)
	c.texts, c.tokens = 1, len(want.start)
	c.ents[0], c.ents[1] = len(want.ents[0]), len(want.ents[1])
	for _, f := range want.flags {
		if f&flagSent != 0 {
			c.sents++
		}
	}
	var diffs []string
	differ := func(what, format string, args ...any) {
		c.by[what]++
		diffs = append(diffs, what+": "+fmt.Sprintf(format, args...))
	}

	if e.full.Check(0) == nil {
		if err := e.analyze(ctx, h, t, want, differ); err != nil {
			return tally{}, fmt.Errorf("text %d: %w", want.index, err)
		}
	}
	ents, err := e.full.Entities(ctx, t.Text) // Entities parses only as far as it must, Analyze parses the whole text
	if err != nil {
		return tally{}, fmt.Errorf("text %d: %w", want.index, err)
	}
	compareEntities("entity", t.Text, ents, want.ents[0], h.Labels, differ)
	if h.Sents {
		ents, err := e.bare.Entities(ctx, t.Text)
		if err != nil {
			return tally{}, fmt.Errorf("text %d without sentences: %w", want.index, err)
		}
		compareEntities("entity without sentences", t.Text, ents, want.ents[1], h.Labels, differ)
	}

	if len(diffs) > 0 {
		if h.excuses(t.Text) {
			c.excused++
			clear(c.by)
			return one, nil
		}
		c.different = 1
		one.diffs = append(one.diffs, &difference{index: want.index, source: t.Source, by: maps.Clone(c.by),
			text: fmt.Sprintf("%s, text %d: %s\n    %s", t.Source, want.index, around(t.Text, 0, 120),
				strings.Join(diffs[:min(len(diffs), 6)], "\n    "))})
	}
	return one, nil
}

// analyze compares what Analyze finds in a text.
func (e engines) analyze(ctx context.Context, h *header, t text, want *record, differ differFunc) error {
	a := analysis{text: t.Text}
	var err error
	if a.tokens, err = e.full.Tokens(t.Text); err == nil {
		want := ner.Want(0)
		if h.Sents {
			want = ner.Sents
		}
		a.Doc, err = e.full.Analyze(ctx, t.Text, want)

	}
	if err != nil {
		return err
	}
	if compareTokens(a, want, differ) {
		compareIDs(a, want, differ)
		if h.Sents {
			compareSentences(a, want, differ)
		}
		compareEntTokens(a, differ)
	}
	compareEntities("entity of Analyze", t.Text, a.Ents, want.ents[0], h.Labels, differ)
	return nil
}

// analysis is what narwhal finds in a text.
type analysis struct {
	text string
	*ner.Doc
	tokens []spacy.Token // those of the Doc, with their ids
}

// differFunc counts a difference and describes it.
type differFunc func(what, format string, args ...any)

func compareTokens(a analysis, want *record, differ differFunc) bool {
	if len(a.tokens) != len(a.Tokens) {
		differ("token", "%d tokens with ids, %d in the Doc", len(a.tokens), len(a.Tokens))
		return false
	}
	for i := range max(len(a.Tokens), len(want.start)) {
		if i >= len(a.Tokens) || i >= len(want.start) {
			differ("token", "%d tokens, want %d", len(a.Tokens), len(want.start))
			return false
		}
		got := a.tokens[i]
		if t := (ner.Token{Start: got.Start, End: got.End, RuneStart: got.RuneStart, RuneEnd: got.RuneEnd}); t != a.Tokens[i] {
			differ("token", "token %d is %v, and in the Doc %v", i, t, a.Tokens[i])
			return false
		}
		start, end := int(want.start[i]), int(want.start[i]+want.length[i])
		if got.RuneStart != start || got.RuneEnd != end {
			differ("token", "token %d is %q [%d:%d], want [%d:%d]", i, a.text[got.Start:got.End], got.RuneStart, got.RuneEnd, start, end)
			return false
		}
		if space := want.flags[i]&flagSpace != 0; got.Space != space {
			differ("white space", "token %d %q: %v, want %v", i, a.text[got.Start:got.End], got.Space, space)
		}
		if space := want.flags[i]&flagIsSpace != 0; got.IsSpace != space {
			differ("IS_SPACE", "token %d %q: %v, want %v", i, a.text[got.Start:got.End], got.IsSpace, space)
		}
	}
	return true
}

func compareIDs(a analysis, want *record, differ differFunc) {
	for i, t := range a.tokens {
		for k, got := range [5]uint64{t.Orth, t.Norm, t.Prefix, t.Suffix, t.Shape} {
			if got != want.ids[k][i] {
				differ(idNames[k], "token %d %q: %d, want %d", i, a.text[t.Start:t.End], got, want.ids[k][i])
			}
		}
	}
}

func compareSentences(a analysis, want *record, differ differFunc) {
	starts := make([]bool, len(a.Tokens))
	at := 0
	for _, s := range a.Sents {
		if s.Start != at || s.End <= at || s.End > len(starts) {
			differ("sentence", "a sentence of tokens %d to %d, want one from %d", s.Start, s.End, at)
			return
		}
		starts[at] = true
		at = s.End
	}
	if at != len(starts) {
		differ("sentence", "sentences have %d tokens, want %d", at, len(starts))
		return
	}
	for i, got := range starts {
		if start := want.flags[i]&flagSent != 0; got != start {
			differ("sentence", "token %d %s starts one: %v, want %v", i, around(a.text, a.Tokens[i].Start, 40), got, start)
		}
	}
}

// compareEntTokens compares the tokens of the entities with their offsets, which are
// compared with spaCy's.
func compareEntTokens(a analysis, differ differFunc) {
	if len(a.EntTokens) != len(a.Ents) {
		differ("tokens of an entity", "%d spans of %d entities", len(a.EntTokens), len(a.Ents))
		return
	}
	for i, s := range a.EntTokens {
		e := a.Ents[i]
		if s.Start < 0 || s.End <= s.Start || s.End > len(a.Tokens) || a.Tokens[s.Start].Start != e.Start || a.Tokens[s.End-1].End != e.End {
			differ("tokens of an entity", "%q [%d:%d] has the tokens %d to %d", e.Text, e.RuneStart, e.RuneEnd, s.Start, s.End)
		}
	}
}

// compareEntities compares two lists of entities, both sorted by their start.
func compareEntities(what, s string, got []ner.Entity, want []entity, labels []string, differ differFunc) {
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(got) > 0 && got[0].RuneStart < int(want[0].Start):
			differ(what, "extra %q %s [%d:%d] in %s", got[0].Text, got[0].Label, got[0].RuneStart, got[0].RuneEnd, around(s, got[0].Start, 60))
			got = got[1:]
		case len(got) == 0 || int(want[0].Start) < got[0].RuneStart:
			runes := []rune(s)
			w := want[0]
			differ(what, "missing %q %s [%d:%d]", string(runes[w.Start:w.End]), labels[w.Label], w.Start, w.End)
			want = want[1:]
		default:
			g, w := got[0], want[0]
			if g.RuneEnd != int(w.End) || g.Label != labels[w.Label] {
				differ(what, "%q %s [%d:%d], want %s [%d:%d] in %s", g.Text, g.Label, g.RuneStart, g.RuneEnd, labels[w.Label], w.Start, w.End, around(s, g.Start, 60))
			}
			if s[g.Start:g.End] != g.Text || string([]rune(s)[g.RuneStart:g.RuneEnd]) != g.Text {
				differ(what, "%q [%d:%d] is not the text at its byte or code point offsets", g.Text, g.Start, g.End)
			}
			got, want = got[1:], want[1:]
		}
	}
}

// around quotes a text near a byte offset.
func around(s string, at, width int) string {
	from, to := max(0, at-width), min(len(s), at+width)
	return fmt.Sprintf("%q", strings.ToValidUTF8(s[from:to], ""))
}
