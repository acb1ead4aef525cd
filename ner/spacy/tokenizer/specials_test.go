package tokenizer

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// chooseAsSpaCy chooses spans with the same steps as spaCy (Tokenizer._filter_special_spans
// in tokenizer.pyx).
func chooseAsSpaCy(spans []span, tokens int) (kept []span) {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(b.len(), a.len()), cmp.Compare(a.start, b.start))
	})
	seen := make([]bool, tokens)
	for _, sp := range spans {
		if !seen[sp.start] && !seen[sp.end-1] {
			kept = append(kept, sp)
		}
		for i := sp.start; i < sp.end; i++ {
			seen[i] = true
		}
	}
	slices.SortFunc(kept, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return kept
}

// TestChooser compares the chooser with chooseAsSpaCy. The tries and texts have few
// symbols, so that nearly all spans overlap.
func TestChooser(t *testing.T) {
	var c chooser // used again for every text
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		symbols := 1 + rng.IntN(3)
		s := &specials{nodes: make([]trieNode, 1)}
		for range 1 + rng.IntN(6) {
			node, n := int32(0), 1+rng.IntN(6)
			for range n {
				node = s.grow(node, int32(1+rng.IntN(symbols)))
			}
			s.nodes[node].end = true
			s.depth = max(s.depth, n)
		}
		s.setRoots(int32(symbols))
		text := make([]int32, rng.IntN(60))
		for i := range text {
			text[i] = int32(rng.IntN(symbols + 1))
		}
		var all, got []span
		for i := range text {
			node := s.roots[text[i]]
			for j := i + 1; node != 0; j++ {
				if s.nodes[node].end {
					all = append(all, span{int32(i), int32(j), node})
				}
				if j == len(text) {
					break
				}
				node = s.nodes[node].child(text[j])
			}
		}
		s.find(text, &c, func(sp span) { got = append(got, sp) })
		want := chooseAsSpaCy(all, len(text))
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(span{})); diff != "" {
			t.Fatalf("seed %d, spans %v, -want +got:\n%s", seed, all, diff)
		}
	}
}

func TestIDTable(t *testing.T) {
	for _, n := range [...]int{0, 1, 2, 3, 64, 5000} {
		rng := rand.New(rand.NewPCG(uint64(n), 0))
		known := make(map[uint64]knownWord)
		for len(known) < n {
			known[uint64(rng.IntN(4*n))<<rng.IntN(40)] = knownWord{norm: rng.Uint64(), symbol: int32(rng.IntN(9))}
		}
		table := newIDTable(known)
		for id, want := range known {
			if got := table.find(id); got != want {
				t.Errorf("%d words: find(%d) = %v, want %v", n, id, got, want)
			}
		}
		for range 1000 {
			id := rng.Uint64N(uint64(8*n + 8))
			if got := table.find(id); got != known[id] {
				t.Errorf("%d words: find(%d) = %v, want %v", n, id, got, known[id])
			}
		}
	}
}

// What was replaced is said of the tokens of this text: not of those whose memory they use.
func TestReplaced(t *testing.T) {
	tk := testTokenizer(t)
	var tokens []Token
	for _, test := range []struct {
		text string
		want []bool
	}{
		{"(:foo y", []bool{true, false, false}},
		{"'a", []bool{true, false}},
		{"a b c", []bool{false, false, false}},
		{":) x", []bool{false, false}},
		{"x (:foo", []bool{false, true, false}},
		{"", nil},
	} {
		tokens = tk.Tokenize(test.text, tokens[:0])
		var got []bool
		for _, x := range tokens {
			got = append(got, x.Replaced)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.text, got, test.want)
		}
	}
}
