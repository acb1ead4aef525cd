package spacy

import (
	"context"
	"fmt"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// tagModel is spaCy's model Tagger.v2: a network that chooses one of some classes for every
// token. The tagger, the morphologizer and the senter have one.
//
//	vectors of the tokens --linear--> a score for each class
type tagModel struct {
	tok2vec *tok2vec
	linear  *kernel.Matrix
	closest float32 // see isClose
}

// newTagModel builds the model from the layers of its file. shared is the tok2vec that the
// model may listen to, or nil.
func newTagModel(layers []layer, classes int, shared *tok2vec, vecs *vectors, cacheEntries int) (*tagModel, error) {
	m := &tagModel{tok2vec: shared, closest: closeMargin}
	i := layers[0].ref("softmax")
	if i < 0 || i >= len(layers) || layers[i].name != "softmax" {
		return nil, fmt.Errorf("no layer softmax: not a model of Tagger.v2")
	}
	if m.tok2vec == nil {
		var err error
		if m.tok2vec, err = newTok2Vec(layers, vecs, cacheEntries); err != nil {
			return nil, err
		}
	}
	w, err := layers[i].param("W", classes, m.tok2vec.width)
	if err != nil {
		return nil, err
	}
	b, err := layers[i].param("b", classes)
	if err != nil {
		return nil, err
	}
	// softmax itself is not computed: it does not change which score is the highest.
	m.linear = kernel.NewMatrix(w.floats(), b.floats(), classes, 1, m.tok2vec.width)
	return m, nil
}

// tagWork is the working memory of tagModel.choose for one text. Its zero value is ready.
type tagWork struct {
	classes []int32
	long    *longSums // nil until the text's first close decision
}

// choose calls set with the class of each of the tokens first to end-1, at most encodeRows.
// Of equal scores the first class wins. It fails with the context's error when ctx ends.
func (m *tagModel) choose(ctx context.Context, e *encoder, w *tagWork, text string, tokens []Token, first, end int, set func(token, class int)) error {
	vectors, err := m.tok2vec.encode(ctx, e, text, tokens, first, end)
	if err != nil {
		return err
	}
	w.classes = grow(w.classes, end-first)
	m.decide(e, vectors, w.classes)
	return m.settle(ctx, w, text, tokens, first, w.classes, set)
}

// decide sets the class of each token from its vector. A class that is too close to another
// one becomes negative: ^class.
func (m *tagModel) decide(e *encoder, vectors []float32, classes []int32) {
	n := m.linear.Out()
	e.scores = grow(e.scores, n*len(classes))
	m.linear.Mul(e.scores, n, vectors, m.tok2vec.width, len(classes))
	for i := range classes {
		scores := e.scores[n*i:][:n]
		class, margin := highest(scores)
		if classes[i] = int32(class); isClose(scores, margin, m.closest) {
			classes[i] = ^classes[i]
		}
	}
}

// settle calls set with the class of each token, from token first on. It makes the close
// decisions again.
func (m *tagModel) settle(ctx context.Context, w *tagWork, text string, tokens []Token, first int, classes []int32, set func(token, class int)) error {
	for i, c := range classes {
		class := int(c)
		if c < 0 {
			if w.long == nil {
				w.long = newLongSums(m.tok2vec, m.linear)
			}
			scores, err := w.long.vector(ctx, text, tokens, first+i)
			if err != nil {
				return err
			}
			class, _ = highest(scores)
		}
		set(first+i, class)
	}
	return nil
}

// tap has the decisions of a tagModel for the tokens that a decoder has read. The decoder
// listens to the same network, so their vectors are computed once.
type tap struct {
	*tagModel
	classes []int32 // as decide sets them
}

// highest returns the index of the highest score, and by how much it is higher than the
// second one.
func highest(scores []float32) (at int, margin float32) {
	return best(scores, []run{{0, 0, len(scores)}}, []bool{true})
}
