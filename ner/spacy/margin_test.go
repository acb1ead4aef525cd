package spacy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A text with a decision that is too close gets the answer of long sums, and
// the next text is computed as ever.
func TestCloseDecisions(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela Merkel was born in Hamburg. Tim Cook visited Paris on Monday. ", 20)
	runs := 0
	decode := func(tie bool, seen *[]bool) func(*features) error {
		return func(f *features) error {
			runs++
			*seen = append(*seen, f.encoder.exact)
			if tie && f.tooClose(closeMargin/2) {
				return errTooClose
			}
			return nil
		}
	}
	w := p.getWork()
	defer p.putWork(w)
	w.tokens = p.tokenizer.tokenize(text, nil)
	var seen []bool
	for _, tie := range []bool{false, true, false} {
		if err := w.features.decide(p.ner.transition, text, w.tokens, decode(tie, &seen)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]bool{false, false, true, false}, seen); diff != "" {
		t.Errorf("long sums in each run (-want +got):\n%s", diff)
	}
}

// Long sums and the convolution give nearly the same vectors, whichever was
// used before on the same memory.
func TestLongSums(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela Merkel was born in Hamburg. Tim Cook visited Paris on Monday. ", 5)
	tokens := p.tokenizer.tokenize(text, nil)
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
