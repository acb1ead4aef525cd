package spacy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
)

// rootLabel is the label of a token without head.
const rootLabel = "ROOT"

// annotate sets Dep and Head of all tokens. The parser must have read the text to its end.
func (m *parserModel) annotate(ctx context.Context, w *work, out []ner.Annotation) error {
	p := &w.parse
	for i := range out {
		if head := p.head[i]; head < 0 {
			out[i].Dep, out[i].Head = rootLabel, i
		} else {
			out[i].Dep, out[i].Head = m.classes[p.class[i]].label, int(head)
		}
	}
	return lower(ctx, w.tokens, out)
}

// lower gives some tokens a head that is lower in the tree, as spaCy's deprojectivize does.
// The parser cannot make an arc that crosses others. It has learned to make another one,
// from a token that is higher in the tree, with a label such as "nsubj||relcl": the arc is a
// nsubj, and its head is the relcl below (Nivre and Nilsson 2005, "Pseudo-Projective
// Dependency Parsing").
func lower(ctx context.Context, tokens []Token, out []ner.Annotation) error {
	isLifted := func(a ner.Annotation) bool { return strings.Contains(a.Dep, "||") }
	first := slices.IndexFunc(out, isLifted)
	if first < 0 {
		return nil
	}
	left, right := edges(out)
	for i := first; i < len(out); i++ {
		if !isLifted(out[i]) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		label, headLabel, _ := strings.Cut(out[i].Dep, "||")
		head, err := below(ctx, tokens, out, left, right, i, headLabel)
		if err != nil {
			return err
		}
		out[i].Head, out[i].Dep = head, label
	}
	return nil
}

// below returns the first token with a label below the head of token i, in the order of
// the levels of the tree. It returns the head if there is none. White space and what is
// below token i or white space do not count.
//
// left and right are the edges of the trees before any token got another head. Outside of
// them spaCy does not look for children.
func below(ctx context.Context, tokens []Token, out []ner.Annotation, left, right []int, i int, label string) (int, error) {
	queue := []int{out[i].Head}
	for at := 0; at < len(queue); at++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		head := queue[at]
		for child := left[head]; child <= right[head]; child++ {
			if out[child].Head != head || child == head || child == i || tokens[child].IsSpace {
				continue
			}
			if out[child].Dep == label {
				return child, nil
			}
			queue = append(queue, child)
		}
	}
	return out[i].Head, nil
}

// edges returns the first and the last token of the tree below each token, as spaCy
// computes them (set_children_from_heads in spacy/tokens/doc.pyx). It brings the edges of
// the children to their heads from left to right and from right to left, until no head is
// outside of its sentence, or it has tried twelve times. So for a tree with arcs that cross
// an edge can be too narrow.
func edges(out []ner.Annotation) (left, right []int) {
	left, right = make([]int, len(out)), make([]int, len(out))
	for i := range out {
		left[i], right[i] = i, i
	}
	widen := func(child int) {
		head := out[child].Head
		left[head], right[head] = min(left[head], left[child]), max(right[head], right[child])
	}
	for range 12 {
		for i := range out {
			widen(i)
		}
		for i := range slices.Backward(out) {
			widen(i)
		}
		if headsWithinSents(out, left) {
			break
		}
	}
	return left, right
}

// headsWithinSents reports whether each head is in the sentence of its child. A sentence
// starts at the left edge of a root.
func headsWithinSents(out []ner.Annotation, left []int) bool {
	starts := make([]bool, len(out))
	for i := range out {
		if out[i].Head == i {
			starts[left[i]] = true
		}
	}
	first := 0
	for i := 1; i < len(out); i++ {
		if !starts[i] && i < len(out)-1 {
			continue
		}
		for j := first; j < i; j++ {
			if out[j].Head < first || out[j].Head > i {
				return false
			}
		}
		first = i
	}
	return true
}

// checkLabels returns an error if spaCy fails for a label of the parser.
func (m *parserModel) checkLabels(name string) error {
	for _, c := range m.classes {
		if strings.Count(c.label, "||") > 1 {
			return fmt.Errorf("%s/moves: the label %q has || twice", name, c.label)
		}
	}
	return nil
}
