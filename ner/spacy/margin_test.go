package spacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// TestCloseDecisions makes more and more decisions count as too close. Their scores are
// computed again with long sums, and the result stays the same. The next text is computed
// without long sums.
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
	components := map[string]*features{"recognizer": &got.recognizer, "parser": &got.parser}
	for name, of := range components {
		some, none, blocks := 0, 0, 0
		for margin := float32(closeMargin); margin < 100; margin *= 1.4 {
			of.closest = margin
			find()
			for other, f := range components {
				switch {
				case f.long == nil && other == name:
					none++
				case f.long == nil:
				case other != name:
					t.Errorf("close decisions of the %s, long sums in the %s", name, other)
				default:
					some++
					blocks = max(blocks, len(f.long.blocks))
				}
			}
			check(fmt.Sprintf("%s, margin %v", name, margin))
		}
		if some < 3 || none < 3 || blocks < 4 {
			t.Errorf("the %s used long sums with %d margins, in up to %d blocks, and none with %d: want some of each", name, some, blocks, none)
		}
		of.closest = closeMargin
		find()
		if check(name + ", afterwards"); got.recognizer.long != nil || got.parser.long != nil {
			t.Errorf("after close decisions of the %s long sums are used for the next text", name)
		}
	}
}

// TestCloseMarginGrowsWithTheScores gives networks constant scores. The rounding errors of
// scores grow with them, so a margin that is enough for small scores is close for large ones.
func TestCloseMarginGrowsWithTheScores(t *testing.T) {
	for _, c := range []struct {
		largest, margin float32
		close           bool
	}{
		{0.1, 4e-5, true}, {0.1, 6e-5, false},
		{10, 4e-5, true}, {10, 6e-5, false},
		{100, 3e-4, true}, {100, 1e-3, false},
		{2209, 5e-4, true}, {2209, 8e-3, true}, {2209, 2e-2, false},
		{100_000, 0.3, true}, {100_000, 0.7, false},
	} {
		check := func(what string, long *longSums) {
			t.Helper()
			if got := long != nil; got != c.close {
				t.Errorf("%s: largest score %v, margin %v: long sums %v, want %v", what, c.largest, c.margin, got, c.close)
			}
		}
		// The best move is ahead of the second one by the margin. Where neither is valid,
		// the parser reduces.
		constant := func(tr *transition, best, second int) {
			setScores(tr, func(m class) float32 {
				switch m.move {
				case best:
					return c.margin
				case second:
					return 0
				case moveReduce:
					return -c.largest / 2
				}
				return -c.largest
			})
		}
		s := small
		s.parser, s.labels = true, []string{"GPE"}
		w, p := beginTiny(t, s)
		constant(p.parser.transition, moveShift, moveBreak)
		if err := p.findSentences(t.Context(), w, len(w.tokens)); err != nil {
			t.Fatal(err)
		}
		check("parser", w.parser.long)

		s.parser = false
		w, p = beginTiny(t, s)
		constant(p.ner.transition, moveOut, moveUnit)
		if err := p.findEntities(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		check("recognizer", w.recognizer.long)

		w, p = beginTiny(t, s)
		setScores(p.ner.transition, func(m class) float32 {
			return map[int]float32{moveBegin: c.largest, moveIn: c.margin}[m.move] // Last: 0
		})
		if err := p.findEntities(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		check("recognizer in an entity", w.recognizer.long)

		s.senter = true
		w, p = beginTiny(t, s)
		m := p.senter.tagModel
		m.linear = kernel.NewMatrix(make([]float32, 2*m.tok2vec.width), []float32{c.largest, c.largest - c.margin}, 2, 1, m.tok2vec.width)
		if err := p.findSentences(t.Context(), w, len(w.tokens)); err != nil {
			t.Fatal(err)
		}
		check("senter", w.parse.senter.long)
	}
}

// beginTiny begins a text of a new pipeline.
func beginTiny(t *testing.T, s tiny) (*work, *Pipeline) {
	t.Helper()
	p, err := openFiles(s.files(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return begun(t, p, "In Paris the number was 12."), p
}

// setScores makes the scores of a model constant.
func setScores(tr *transition, score func(class) float32) {
	var scores []float32
	for _, c := range tr.classes {
		scores = append(scores, score(c))
	}
	tr.scorer = kernel.NewScorer(make([]float32, len(scores)*tr.hidden), scores, len(scores), make([]float32, 2*tr.hidden), tr.hidden)
}

// TestCloseDecisionsEverywhere makes every decision of a long text count as too close. The
// entities and sentences stay the same. The recognizer and the parser keep few blocks.
func TestCloseDecisionsEverywhere(t *testing.T) {
	p := openModel(t, Options{})
	text := longTextOf(t, longText+encodeRows)
	want, err := p.Analyze(t.Context(), text, ner.Sents)
	if err != nil {
		t.Fatal(err)
	}
	p.ner.closest, p.parser.closest = 1000, 1000
	w := begun(t, p, text)
	if err := errors.Join(p.findSentences(t.Context(), w, len(w.tokens)), p.findEntities(t.Context(), w)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Ents, p.result(w, text)); diff != "" {
		t.Errorf("entities (-convolution +long sums):\n%s", diff)
	}
	if diff := cmp.Diff(want.Sents, spans(w.parse.sentStarts)); diff != "" {
		t.Errorf("sentences (-convolution +long sums):\n%s", diff)
	}
	for name, f := range map[string]*features{"recognizer": &w.recognizer, "parser": &w.parser} {
		if n := len(f.long.blocks); n != maxBlocks {
			t.Errorf("the %s has %d blocks, want %d", name, n, maxBlocks)
		}
	}
}

// TestLongSums checks that long sums and the convolution compute nearly the same vectors,
// and that a vector is the same in whatever order the vectors are asked for.
func TestLongSums(t *testing.T) {
	p := openModel(t, Options{})
	text := longTextOf(t, 10*longRows)
	tokens := p.tokenizer.Tokenize(text, nil)
	f := &features{}
	f.start(p.ner.transition, &encoder{}, text, tokens)
	if err := f.reach(t.Context(), len(tokens)-1, 0); err != nil {
		t.Fatal(err)
	}
	in := f.linear.Out()
	l := newLongSums(f.tok2vec, f.linear)
	first := map[int][]float32{}
	differ, most := false, float32(0)
	for _, step := range []int{1, 97} {
		for i := range tokens {
			i = i * step % len(tokens)
			long, err := l.vector(t.Context(), text, tokens, i)
			if err != nil {
				t.Fatal(err)
			}
			if first[i] == nil {
				first[i] = slices.Clone(long)
			} else if !slices.Equal(first[i], long) {
				t.Fatalf("token %d has another vector the second time", i)
			}
			for j, x := range f.vectors[i/encodeRows][i%encodeRows*in:][:in] {
				differ = differ || x != long[j]
				most = max(most, x-long[j], long[j]-x)
			}
		}
	}
	if !differ {
		t.Error("no value differs: were these long sums?")
	}
	if most > 1e-4 {
		t.Errorf("values differ by up to %g", most)
	}
}

// TestLongSumsContext checks that a block whose computation was cancelled is not used.
func TestLongSumsContext(t *testing.T) {
	p := openModel(t, Options{})
	text := "Tim Cook visited Paris."
	tokens := p.tokenizer.Tokenize(text, nil)
	want, err := newLongSums(p.ner.tok2vec, p.ner.linear).vector(t.Context(), text, tokens, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := newLongSums(p.ner.tok2vec, p.ner.linear)
	if _, err := l.vector(&countingContext{Context: t.Context(), left: 2}, text, tokens, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want an error", err)
	}
	if got, err := l.vector(t.Context(), text, tokens, 1); err != nil || !slices.Equal(got, want) {
		t.Errorf("after an error %v, %v, want %v", got, err, want)
	}
}
