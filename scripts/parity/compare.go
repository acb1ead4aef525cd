package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

// engines are narwhal's: full has all components, bare has no parser.
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

	doc, err := e.full.Analyze(ctx, t.Text)
	if err != nil {
		return tally{}, fmt.Errorf("text %d: %w", want.index, err)
	}
	if compareTokens(doc, want, differ) {
		compareIDs(doc, want, differ)
		if h.Parser {
			compareSentences(doc, want, differ)
		}
	}
	compareEntities("entity of Analyze", t.Text, doc.Ents, want.ents[0], h.Labels, differ)
	ents, err := e.full.Entities(ctx, t.Text) // Entities parses only as far as it must, Analyze parses the whole text
	if err != nil {
		return tally{}, fmt.Errorf("text %d: %w", want.index, err)
	}
	compareEntities("entity", t.Text, ents, want.ents[0], h.Labels, differ)
	if h.Parser {
		ents, err := e.bare.Entities(ctx, t.Text)
		if err != nil {
			return tally{}, fmt.Errorf("text %d without parser: %w", want.index, err)
		}
		compareEntities("entity without parser", t.Text, ents, want.ents[1], h.Labels, differ)
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

// differFunc counts a difference and describes it.
type differFunc func(what, format string, args ...any)

func compareTokens(doc *spacy.Doc, want *record, differ differFunc) bool {
	for i := range max(len(doc.Tokens), len(want.start)) {
		if i >= len(doc.Tokens) || i >= len(want.start) {
			differ("token", "%d tokens, want %d", len(doc.Tokens), len(want.start))
			return false
		}
		got := doc.Tokens[i]
		start, end := int(want.start[i]), int(want.start[i]+want.length[i])
		if got.RuneStart != start || got.RuneEnd != end {
			differ("token", "token %d is %q [%d:%d], want [%d:%d]", i, doc.Text[got.Start:got.End], got.RuneStart, got.RuneEnd, start, end)
			return false
		}
		if space := want.flags[i]&flagSpace != 0; got.Space != space {
			differ("white space", "token %d %q: %v, want %v", i, doc.Text[got.Start:got.End], got.Space, space)
		}
		if space := want.flags[i]&flagIsSpace != 0; got.IsSpace != space {
			differ("IS_SPACE", "token %d %q: %v, want %v", i, doc.Text[got.Start:got.End], got.IsSpace, space)
		}
	}
	return true
}

func compareIDs(doc *spacy.Doc, want *record, differ differFunc) {
	for i, t := range doc.Tokens {
		for k, got := range [5]uint64{t.Orth, t.Norm, t.Prefix, t.Suffix, t.Shape} {
			if got != want.ids[k][i] {
				differ(idNames[k], "token %d %q: %d, want %d", i, doc.Text[t.Start:t.End], got, want.ids[k][i])
			}
		}
	}
}

func compareSentences(doc *spacy.Doc, want *record, differ differFunc) {
	starts := make([]bool, len(doc.Tokens))
	at := 0
	for _, s := range doc.Sents {
		starts[at] = true
		at += len(s)
	}
	if at != len(starts) {
		differ("sentence", "sentences hold %d tokens, want %d", at, len(starts))
		return
	}
	for i, got := range starts {
		if start := want.flags[i]&flagSent != 0; got != start {
			differ("sentence", "token %d %s starts one: %v, want %v", i, around(doc.Text, doc.Tokens[i].Start, 40), got, start)
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
