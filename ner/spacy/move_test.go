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
	p := openModel(t, Options{CacheEntries: -1})
	want, err := p.Analyze(t.Context(), paragraph, ner.Sents)
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
	got, err := p.Analyze(t.Context(), paragraph, ner.Sents)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Ents, want.Ents) || !slices.Equal(got.Sents, want.Sents) {
		t.Errorf("after Move: %v, want %v", got.Ents, want.Ents)
	}
}
