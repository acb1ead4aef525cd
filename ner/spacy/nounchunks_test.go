package spacy

import (
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

func TestNounChunks(t *testing.T) {
	for _, c := range []struct {
		words string // word/POS/DEP/HEAD
		want  string
	}{
		{"", ""},
		{"The/DET/det/1 dog/NOUN/nsubj/2 ran/VERB/ROOT/2", "The dog"},
		{"It/PRON/nsubj/1 ran/VERB/ROOT/1", "It"},
		{"Ran/VERB/ROOT/0 home/NOUN/npadvmod/0", ""}, // not one of the labels
		{"Cats/NOUN/nsubj/3 and/CCONJ/cc/0 dogs/NOUN/conj/0 run/VERB/ROOT/3", "Cats|dogs"},
		{"Cats/NOUN/npadvmod/3 and/CCONJ/cc/0 dogs/NOUN/conj/0 run/VERB/ROOT/3", ""}, // what it joins is none
		{"Cats/NOUN/nsubj/4 dogs/NOUN/conj/0 and/CCONJ/cc/1 cows/NOUN/conj/1 run/VERB/ROOT/4", "Cats|dogs|cows"},
		{"dogs/NOUN/conj/1 cats/NOUN/conj/0", ""},                    // a circle that only a ruler can make
		{"The/DET/det/2 cat/PROPN/nsubj/2 food/NOUN/ROOT/2", "cat|"}, // The is before cat, so food would have cat inside
	} {
		var out []ner.Annotation
		var words []string
		for _, w := range strings.Fields(c.words) {
			p := strings.Split(w, "/")
			words = append(words, p[0])
			out = append(out, ner.Annotation{Pos: p[1], Dep: p[2], Head: int(p[3][0] - '0')})
		}
		var got []string
		for _, s := range nounChunks(out) {
			got = append(got, strings.Join(words[s.Start:s.End], " "))
		}
		if !slices.Equal(got, strings.FieldsFunc(c.want, func(r rune) bool { return r == '|' })) {
			t.Errorf("%s: %q, want %s", c.words, got, c.want)
		}
	}
}

// Noun chunks alone bring no annotations.
func TestOnlyNounChunks(t *testing.T) {
	p, err := openFiles(annotatedFiles(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	both, err := p.Analyze(t.Context(), tagTexts, ner.NounChunks|ner.Pos|ner.Dep)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := p.Analyze(t.Context(), tagTexts, ner.NounChunks)
	if err != nil || alone.Annotations != nil || alone.Has != ner.NounChunks || !slices.Equal(alone.NounChunks, both.NounChunks) {
		t.Errorf("%+v, %v, want the chunks %v", alone, err, both.NounChunks)
	}
	bare, err := openFiles(annotatedFiles(t, 1), Options{Exclude: []string{"parser", "rules"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := bare.Check(ner.NounChunks); err == nil || !strings.Contains(err.Error(), `"parser" is excluded`) {
		t.Errorf("without parser: %v", err)
	}
}
