package spacy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainEntities decodes as spaCy does: over all classes, with a table of valid moves.
func plainEntities(t *testing.T, m *entityModel, f *features, starts []bool) []entity {
	t.Helper()
	var out []entity
	first, label := -1, ""
	for i := range f.tokens {
		if err := f.reach(t.Context(), i, 0); err != nil {
			t.Fatal(err)
		}
		f.set(0, i)
		f.set(1, first)
		f.set(2, -1)
		if first >= 0 {
			f.set(2, i-1)
		}
		scores := f.score()
		more := len(f.tokens)-i >= 2 && !(starts != nil && starts[i+1])
		best := -1
		for c, k := range m.classes {
			valid := false
			switch k.move {
			case moveBegin:
				valid = k.label != "" && first < 0 && more && !f.tokens[i].IsSpace
			case moveIn:
				valid = first >= 0 && label == k.label && more
			case moveLast:
				valid = first >= 0 && label == k.label
			case moveUnit:
				valid = k.label != "" && first < 0 && !f.tokens[i].IsSpace
			case moveOut:
				valid = first < 0
			}
			if valid && (best < 0 || scores[c] > scores[best]) {
				best = c
			}
		}
		switch k := m.classes[best]; k.move {
		case moveBegin:
			first, label = i, k.label
		case moveLast:
			out = append(out, entity{first, i + 1, slices.Index(m.classes, class{moveBegin, label})})
			first = -1
		case moveUnit:
			out = append(out, entity{i, i + 1, best})
		}
	}
	return out
}

// entitiesInPieces decodes size tokens at a time, and each piece twice.
func entitiesInPieces(t *testing.T, m *entityModel, f *features, starts []bool, size int) (out []entity) {
	t.Helper()
	for at := 0; at < len(f.tokens); {
		found := len(out)
		first, _, err := m.entities(t.Context(), f, starts, nil, at, at+size, slices.Clone(out))
		if err != nil {
			t.Fatal(err)
		}
		if out, at, err = m.entities(t.Context(), f, starts, nil, at, at+size, out); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(first, out) {
			t.Fatalf("the second time entities are %v, not %v", out[found:], first[found:])
		}
	}
	return out
}

// TestEntitiesAgainstPlainTable compares entities with plainEntities. The recognizers
// have random weights, so that they find entities of all kinds. The sentences start at
// random tokens.
func TestEntitiesAgainstPlainTable(t *testing.T) {
	const text = "Tim Cook isn't  in\nParis, he (or she?) is \t in the U.S. with 12 others:  don't go there. "
	long := text
	for range 60 { // longer than a page and than a piece
		long += text
	}
	found, longest := 0, 0
	for seed := range uint64(12) {
		s := small
		s.labels = []string{"A", "B", "C"}[:1+seed%3]
		files := s.files(t, seed)
		if seed%4 == 3 { // a label that was added after the training: its classes come last
			files["ner/moves"] = movesOf(`{"1":{"A":2,"C":-1},"2":{"A":2,"C":-1},"3":{"A":2,"C":-1},"4":{"A":2,"":1,"C":-1},"5":{"":1}}`)
			s.labels = []string{"A", "C"}
			files["ner/model"] = encodeNodes(s.parserNodes(rand.New(rand.NewPCG(seed, 0)), entitySlots, 10))
		}
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{text, long} {
			tokens := p.tokenizer.Tokenize(text, nil)
			r := rand.New(rand.NewPCG(seed, 1))
			starts := make([]bool, len(tokens))
			for i := range starts {
				starts[i] = r.IntN(6) == 0
			}
			for _, starts := range [][]bool{nil, starts} {
				var f features
				f.start(p.ner.transition, &encoder{}, text, tokens)
				got := entitiesInPieces(t, p.ner, &f, starts, 1+r.IntN(len(tokens)))
				f.start(p.ner.transition, &encoder{}, text, tokens)
				want := plainEntities(t, p.ner, &f, starts)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("weights %d, %d tokens, sentences %v: entities %v, want %v", seed, len(tokens), starts != nil, got, want)
				}
				for _, e := range got {
					found, longest = found+1, max(longest, e.end-e.first)
				}
			}
		}
	}
	if found < 1000 || longest < 5 {
		t.Errorf("%d entities, the longest of %d tokens: the test tries too little", found, longest)
	}
}

func TestCloses(t *testing.T) {
	m := &entityModel{}
	for _, c := range []struct {
		scores  []float32
		classes insides
		goOn    bool
		want    bool
	}{
		{[]float32{1, 2}, insides{0, 1}, true, true},
		{[]float32{2, 1}, insides{0, 1}, true, false},
		{[]float32{2, 2}, insides{0, 1}, true, false}, // of equal scores the first class wins
		{[]float32{2, 2}, insides{1, 0}, true, true},
		{[]float32{2, 1}, insides{0, 1}, false, true}, // the sentence ends
		{[]float32{2, 1}, insides{0, -1}, true, false},
		{[]float32{2, 1}, insides{-1, 1}, true, true},
	} {
		if got, _ := m.closes(c.scores, c.classes, c.goOn); got != c.want {
			t.Errorf("closes(%v, %v, %v) = %v, want %v", c.scores, c.classes, c.goOn, got, c.want)
		}
	}
}
