package spacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A component that meets a decision that is too close begins the text again with
// long sums, and gives what it gave with the others; the next text is computed as
// ever.
func TestCloseDecisions(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela Merkel was born in Hamburg. Tim Cook visited Paris on Monday. ", 20)
	got := &work{tokens: p.tokenizer.Tokenize(text, nil)} // one for all, as between calls
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
		for margin := float32(closeMargin); margin < 100; margin *= 1.4 { // the larger, the sooner it is met
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

// Long sums and the convolution give nearly the same vectors, whichever was
// used before on the same memory.
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
