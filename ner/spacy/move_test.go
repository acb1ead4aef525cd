package spacy

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/narwhal-server/narwhal/ner"
)

// TestMove checks that Move moves all weights, that the answers stay the same, and that
// the old weights are not read any more.
func TestMove(t *testing.T) {
	testMove(t, openModel(t, Options{CacheEntries: -1}), ner.Sents)
}

// TestMoveForRules has a tagger that only a rule needs.
func TestMoveForRules(t *testing.T) {
	p, err := OpenFiles(withRules(t, `{"label":"X","pattern":[{"TAG":"IN"}]}`), Options{CacheEntries: -1, Exclude: []string{"parser"}})
	if err != nil {
		t.Fatal(err)
	}
	ents, err := p.Entities(t.Context(), paragraph)
	if len(labelled(ents)) < 3 || len(p.networks()) != 2 {
		t.Errorf("the rule finds %v, %v; %d networks", ents, err, len(p.networks()))
	}
	testMove(t, p, 0)
}

func testMove(t *testing.T, p *Pipeline, wanted ner.Want) {
	t.Helper()
	want, err := p.Analyze(t.Context(), paragraph, wanted)
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	p.Move(func(w []float32) []float32 {
		bytes += 4 * len(w)
		buf := make([]float32, len(w)+16)
		skip := int(-uintptr(unsafe.Pointer(&buf[0])) % 64 / 4)
		moved := append(buf[skip:skip:skip+len(w)], w...)
		for i := range w {
			w[i] = 1e30
		}
		return moved
	})
	if bytes < 6<<20 {
		t.Errorf("%d bytes of weights were moved, want at least 6 MB of en_core_web_sm", bytes)
	}
	got, err := p.Analyze(t.Context(), paragraph, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Ents, want.Ents) || !slices.Equal(got.Sents, want.Sents) {
		t.Errorf("after Move: %v, want %v", got.Ents, want.Ents)
	}
}
