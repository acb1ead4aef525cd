package spacy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// tree returns annotations with these heads and labels.
func tree(heads []int, labels ...string) []ner.Annotation {
	out := make([]ner.Annotation, len(heads))
	for i := range out {
		out[i] = ner.Annotation{Head: heads[i], Dep: labels[i]}
	}
	return out
}

// A token with a label of two parts gets the head that the second part names.
func TestLower(t *testing.T) {
	for _, c := range []struct {
		what   string
		spaces []int
		in     []ner.Annotation
		want   []ner.Annotation
	}{
		{"nothing to do", nil,
			tree([]int{1, 1, 1}, "nsubj", "ROOT", "dobj"),
			tree([]int{1, 1, 1}, "nsubj", "ROOT", "dobj")},
		{"a child of the head", nil,
			tree([]int{1, 1, 1}, "nsubj||relcl", "ROOT", "relcl"),
			tree([]int{2, 1, 1}, "nsubj", "ROOT", "relcl")},
		{"the nearest level first, and there the first token", nil,
			tree([]int{5, 2, 5, 5, 3, 5, 5}, "x||relcl", "relcl", "conj", "relcl", "relcl", "ROOT", "relcl"),
			tree([]int{3, 2, 5, 5, 3, 5, 5}, "x", "relcl", "conj", "relcl", "relcl", "ROOT", "relcl")},
		{"below another child", nil,
			tree([]int{3, 2, 3, 3}, "x||relcl", "relcl", "conj", "ROOT"),
			tree([]int{1, 2, 3, 3}, "x", "relcl", "conj", "ROOT")},
		{"no such label: the head stays", nil,
			tree([]int{1, 1, 1}, "x||relcl", "ROOT", "dobj"),
			tree([]int{1, 1, 1}, "x", "ROOT", "dobj")},
		{"not the token itself, nor what is below it", nil,
			tree([]int{2, 0, 2}, "relcl||relcl", "relcl", "ROOT"),
			tree([]int{2, 0, 2}, "relcl", "relcl", "ROOT")},
		{"not white space, nor what is below it", []int{1},
			tree([]int{3, 3, 1, 3}, "x||relcl", "relcl", "relcl", "ROOT"),
			tree([]int{3, 3, 1, 3}, "x", "relcl", "relcl", "ROOT")},
		{"a label that an earlier token has got", nil,
			tree([]int{2, 2, 2, 2}, "relcl||relcl", "x||relcl", "ROOT", "dobj"),
			tree([]int{2, 0, 2, 2}, "relcl", "x", "ROOT", "dobj")},
	} {
		tokens := make([]Token, len(c.in))
		for _, i := range c.spaces {
			tokens[i].IsSpace = true
		}
		if err := lower(t.Context(), tokens, c.in); err != nil || !slices.Equal(c.in, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.what, c.in, err, c.want)
		}
	}
}

// The edges of a tree without crossing arcs are its first and last tokens.
func TestEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := 1 + r.IntN(30)
		heads := make([]int, n)
		plant(r, heads, 0, n, -1)
		out := make([]ner.Annotation, n)
		wantLeft, wantRight := make([]int, n), make([]int, n)
		for i := range heads {
			out[i].Head = heads[i]
			wantLeft[i], wantRight[i] = i, i
		}
		for i := range heads { // brings i to all tokens above it
			for at := i; heads[at] != at; {
				at = heads[at]
				wantLeft[at], wantRight[at] = min(wantLeft[at], i), max(wantRight[at], i)
			}
		}
		if left, right := edges(out); !slices.Equal(left, wantLeft) || !slices.Equal(right, wantRight) {
			t.Fatalf("heads %v: edges %v and %v, want %v and %v", heads, left, right, wantLeft, wantRight)
		}
	}
}

// plant makes a random tree of tokens from to end-1 below head, or without head if that is
// -1.
func plant(r *rand.Rand, heads []int, from, end, head int) {
	for from < end {
		cut := from + 1 + r.IntN(end-from)
		root := from + r.IntN(cut-from)
		if heads[root] = head; head < 0 {
			heads[root] = root
		}
		plant(r, heads, from, root, root)
		plant(r, heads, root+1, cut, root)
		from = cut
	}
}

// TestArcs checks with random weights that the arcs of a text are trees, and that each
// sentence has one root.
func TestArcs(t *testing.T) {
	s := small
	s.parser = true
	lowered := 0
	for seed := range uint64(30) {
		files := s.files(t, seed)
		files["parser/moves"] = movesFile(map[int][]string{moveShift: {""}, moveReduce: {""}, moveLeft: {"nsubj||obj", "det"}, moveRight: {"obj"}, moveBreak: {"ROOT"}})
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := p.Analyze(t.Context(), "Tim Cook isn't  in\nParis, he (or she?) is in the U.S. with 12 others: don't.", ner.Sents|ner.Dep)
		if err != nil {
			t.Fatal(err)
		}
		checkSents(t, doc)
		roots := make([]int, len(doc.Tokens))
		for i, a := range doc.Annotations {
			if (a.Dep == "ROOT") != (a.Head == i) || !slices.Contains([]string{"ROOT", "nsubj", "det", "obj"}, a.Dep) {
				t.Errorf("token %d has the head %d and the label %q", i, a.Head, a.Dep)
			}
			if a.Dep == "nsubj" {
				lowered++
			}
			at, steps := i, 0
			for doc.Annotations[at].Head != at && steps <= len(roots) {
				at = doc.Annotations[at].Head
				steps++
			}
			if steps > len(roots) {
				t.Fatalf("weights %d: a circle of arcs from token %d: %v", seed, i, doc.Annotations)
			}
			roots[i] = at
		}
		for _, s := range doc.Sents {
			first := roots[s.Start]
			if slices.ContainsFunc(roots[s.Start:s.End], func(r int) bool { return r < s.Start || r >= s.End }) {
				t.Errorf("weights %d: the sentence %v has the root %d", seed, s, first)
			}
		}
	}
	if lowered < 20 {
		t.Errorf("%d arcs with a label of two parts: the test tries too little", lowered)
	}
}
