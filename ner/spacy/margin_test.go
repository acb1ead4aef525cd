package spacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCloseDecisions makes more and more decisions count as too close. Then a component
// begins the text again with long sums, and the result stays the same. The next text is
// computed without long sums.
func TestCloseDecisions(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela Merkel was born in Hamburg. Tim Cook visited Paris on Monday. ", 20)
	got := &work{tokens: p.tokenizer.Tokenize(text, nil)} // all calls use the same one
	find := func() {
		t.Helper()
		p.start(got, text)
		if err := errors.Join(p.findEntities(t.Context(), got), p.findSentences(t.Context(), got, len(got.tokens))); err != nil {
			t.Fatal(err)
		}
	}
	find()
	entities, sentStarts := slices.Clone(got.entities), slices.Clone(got.parse.sentStarts)
	check := func(what string) {
		t.Helper()
		if !slices.Equal(got.entities, entities) || !slices.Equal(got.parse.sentStarts, sentStarts) {
			t.Errorf("%s: entities %v, sentences %v, want %v, %v", what, got.entities, got.parse.sentStarts, entities, sentStarts)
		}
	}
	components := map[string]*transition{"recognizer": p.ner.transition, "parser": p.parser.transition}
	for name, of := range components {
		began, late := 0, 0
		for margin := float32(closeMargin); margin < 100; margin *= 1.4 { // a larger margin is met sooner
			of.closest = margin
			find()
			exact := map[string]bool{"recognizer": got.recognizer.exact, "parser": got.parser.exact}
			if exact[name] {
				began++
			} else {
				late++
			}
			delete(exact, name)
			for other, exact := range exact {
				if exact {
					t.Errorf("the %s met a close decision, the %s began again", name, other)
				}
			}
			check(fmt.Sprintf("%s, margin %v", name, margin))
		}
		if began < 3 || late < 3 {
			t.Errorf("the %s began again with %d margins and did not with %d: want some of each", name, began, late)
		}
		of.closest = closeMargin
		find()
		if check(name + ", afterwards"); got.recognizer.exact || got.parser.exact || got.encoder.exact {
			t.Errorf("after close decisions of the %s long sums are used for the next text", name)
		}
	}
}

// TestLongSums checks that long sums and the convolution compute nearly the same
// vectors, and that the result does not depend on which was used before.
func TestLongSums(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela Merkel was born in Hamburg. Tim Cook visited Paris on Monday. ", 5)
	tokens := p.tokenizer.Tokenize(text, nil)
	var e encoder
	vectors := func(exact bool) []float32 {
		e.setExact(exact)
		return append([]float32(nil), p.ner.tok2vec.encode(&e, text, tokens, 0, len(tokens))...)
	}
	short, long, again := vectors(false), vectors(true), vectors(false)
	if diff := cmp.Diff(short, again); diff != "" {
		t.Error("the convolution gives something else after long sums")
	}
	same, most := true, float32(0)
	for i := range short {
		same = same && short[i] == long[i]
		most = max(most, short[i]-long[i], long[i]-short[i])
	}
	if same {
		t.Error("no value differs: were these long sums?")
	}
	if most > 1e-4 {
		t.Errorf("values differ by up to %g", most)
	}
}
