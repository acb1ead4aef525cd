package spacy

import (
	"context"
	"fmt"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// transition is spacy.TransitionBasedParser.v2: it scores the moves that are
// possible in a state. The parser and the entity recognizer are two of them.
//
//	vectors of the tokens --linear--> hidden --lower--> slots×2×hidden
//	  a state names a token for each slot; their parts are added,
//	  --maxout--> hidden --upper--> a score for each class
type transition struct {
	classes []class
	tok2vec *tok2vec
	listens bool // the tok2vec is the pipeline's shared one

	linear  *kernel.Matrix
	lower   *kernel.Matrix // to [slots][2][hidden], the pieces apart
	scorer  *kernel.Scorer
	slots   int
	hidden  int       // of the lower layer
	padding []float32 // [slots][2][hidden]: stands for a missing token
	closest float32   // a decision by less is made from long sums: closeMargin
}

// newTransition builds the model from the layers of its file. shared is the
// tok2vec it listens to, if it does.
func newTransition(layers []layer, classes []class, slots int, shared *tok2vec, vecs *vectors, cacheEntries int) (*transition, error) {
	root := &layers[0]
	at := func(ref, name string) (*layer, error) {
		i := root.ref(ref)
		if root.name != "parser_model" || i < 0 || i >= len(layers) || layers[i].name != name {
			return nil, fmt.Errorf("no %s layer %s: not a model of TransitionBasedParser.v2 with use_upper", ref, name)
		}
		return &layers[i], nil
	}
	lower, err := at("lower", "precomputable_affine")
	if err != nil {
		return nil, err
	}
	upper, err := at("upper", "linear")
	if err != nil {
		return nil, err
	}
	t := &transition{classes: classes, slots: slots, closest: closeMargin}
	listens, width := false, 0
	var linear *layer
	for i := range layers {
		switch l := &layers[i]; {
		case l.name == "tok2vec-listener":
			listens = true
		case l.name == "linear" && l != upper:
			linear = l
		}
	}
	switch {
	case listens && shared == nil:
		return nil, fmt.Errorf("the model listens to a shared tok2vec, the config names none")
	case listens:
		t.tok2vec, t.listens = shared, true
	default:
		if t.tok2vec, err = newTok2Vec(layers, vecs, cacheEntries); err != nil {
			return nil, err
		}
	}
	width = t.tok2vec.width
	if linear == nil {
		return nil, fmt.Errorf("no layer linear between tok2vec and the lower layer")
	}
	return t, t.build(linear, lower, upper, width)
}

// build packs the weights.
func (t *transition) build(linear, lower, upper *layer, width int) error {
	lw, err := linear.param("W", -1, width)
	if err != nil {
		return err
	}
	in := lw.shape[0]
	lb, err := linear.param("b", in)
	if err != nil {
		return err
	}
	w, err := lower.param("W", t.slots, -1, 2, in)
	if err != nil {
		return err
	}
	t.hidden = w.shape[1]
	if in < 1 || t.hidden < 1 || t.hidden > kernel.MaxHidden {
		return fmt.Errorf("layer %d (%s): hidden width %d: can run 1 to %d", lower.index, lower.kind(), t.hidden, kernel.MaxHidden)
	}
	b, err := lower.param("b", t.hidden, 2)
	if err != nil {
		return err
	}
	pad, err := lower.param("pad", 1, t.slots, t.hidden, 2)
	if err != nil {
		return err
	}
	uw, err := upper.param("W", len(t.classes), t.hidden)
	if err != nil {
		return fmt.Errorf("%w (the moves file makes %d classes)", err, len(t.classes))
	}
	ub, err := upper.param("b", len(t.classes))
	if err != nil {
		return err
	}
	t.linear = kernel.NewMatrix(lw.floats(), lb.floats(), in, 1, width)
	// The file has the two pieces of a hidden unit side by side; here all
	// first pieces come first, so that the maximum is one of two rows.
	t.lower = kernel.NewMatrix(splitPieces(w.floats(), t.hidden, in), nil, t.slots*2*t.hidden, 1, in)
	t.padding = splitPieces(pad.floats(), t.hidden, 1)
	t.scorer = kernel.NewScorer(uw.floats(), ub.floats(), len(t.classes), splitPieces(b.floats(), t.hidden, 1), t.hidden)
	return nil
}

// splitPieces turns [n][hidden][2][size] into [n][2][hidden][size].
func splitPieces(x []float32, hidden, size int) []float32 {
	out := make([]float32, len(x))
	for n := 0; n < len(x); n += 2 * hidden * size {
		for o := range hidden {
			for p := range 2 {
				copy(out[n+(p*hidden+o)*size:][:size], x[n+(o*2+p)*size:])
			}
		}
	}
	return out
}

// features has the parts of the tokens of one text for a decoder that walks
// through it. The network runs over a piece of the text when the decoder gets
// there. A token's parts are computed, with those of the tokens around it, when
// it is first put into a slot, and a fixed number of such pages is kept: a
// decoder looks at few tokens that are far away from each other.
type features struct {
	*transition
	encoder *encoder
	exact   bool // use long sums, see margin.go
	text    string
	tokens  []Token

	encoded int         // tokens that are in vectors
	likely  int         // tokens that will probably be enough, see expect
	vectors [][]float32 // outputs of the linear layer, encodeRows tokens a piece; nil: forgotten
	dropped int         // pieces that were forgotten
	spare   [][]float32 // their memory

	table  []float32 // [1 padding, pages × pageRows tokens][slots][2][hidden]
	pageOf []int32   // by token/pageRows: the page that holds its parts, -1
	pages  []page
	step   int // counts the calls of score
	rows   [maxSlots]int32
	scores []float32
}

// page is one part of the table.
type page struct {
	holds int // which tokens, as an index of pageOf
	used  int // the step at which it was last used
}

const (
	pageRows = 8  // divides encodeRows
	maxPages = 12 // more than maxSlots, so that no step throws out what it needs
	maxSlots = 8
)

// start begins a text. The encoder's memory may serve several, by turns.
func (f *features) start(t *transition, e *encoder, text string, tokens []Token) {
	f.transition, f.encoder, f.exact, f.text, f.tokens = t, e, false, text, tokens
	f.drop(len(f.vectors))
	f.vectors, f.dropped, f.encoded, f.likely = f.vectors[:0], 0, 0, len(tokens)

	blocks := (len(tokens) + pageRows - 1) / pageRows
	f.table = grow(f.table, (1+min(blocks, maxPages)*pageRows)*t.stride())
	copy(f.table, t.padding)
	f.pages, f.step = f.pages[:0], 0
	f.pageOf = grow(f.pageOf, blocks)
	for i := range f.pageOf {
		f.pageOf[i] = -1
	}
	f.scores = grow(f.scores, len(t.classes))
}

// stride is the length of a token's parts.
func (t *transition) stride() int { return t.slots * 2 * t.hidden }

// reach makes tokens up to and including token available. The decoder will not
// ask again for tokens before keep.
func (f *features) reach(ctx context.Context, token, keep int) error {
	for f.encoded <= token {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.encodeNext(keep)
	}
	return nil
}

// expect says that the decoder will probably not look at more than the first n
// tokens. The network does not run over those after them unless it does.
func (f *features) expect(n int) {
	f.likely = (n + pageRows - 1) / pageRows * pageRows
}

// encodeNext runs the network over the next piece of the text, or a part of it,
// and forgets the pieces before keep.
func (f *features) encodeNext(keep int) {
	f.drop(keep / encodeRows)
	in, width := f.linear.Out(), f.tok2vec.width
	a, first := f.encoded, f.encoded/encodeRows*encodeRows
	end := min(first+encodeRows, len(f.tokens))
	if a == first {
		var piece []float32
		if last := len(f.spare) - 1; last >= 0 {
			piece, f.spare = f.spare[last], f.spare[:last]
		}
		f.vectors = append(f.vectors, grow(piece, (end-first)*in))
	}
	b := end
	if a < f.likely {
		b = min(b, f.likely)
	}
	f.encoder.setExact(f.exact)
	vectors := f.tok2vec.encode(f.encoder, f.text, f.tokens, a, b)
	piece := f.vectors[first/encodeRows][(a-first)*in:]
	f.linear.Mul(piece, in, vectors, width, b-a)
	f.encoded = b
}

// drop forgets the first pieces.
func (f *features) drop(pieces int) {
	for ; f.dropped < pieces; f.dropped++ {
		f.spare = append(f.spare, f.vectors[f.dropped])
		f.vectors[f.dropped] = nil
	}
}

// set puts a token into a slot; -1 is a missing one.
func (f *features) set(slot, token int) {
	if token < 0 {
		f.rows[slot] = 0
		return
	}
	p := f.pageOf[token/pageRows]
	if p < 0 {
		p = f.load(token / pageRows)
	}
	f.pages[p].used = f.step
	f.rows[slot] = 1 + p*pageRows + int32(token%pageRows)
}

// load computes the parts of a page of tokens, in place of the page that was
// not used for longest.
func (f *features) load(block int) int32 {
	p := len(f.pages)
	if p < maxPages {
		f.pages = append(f.pages, page{})
	} else {
		p = 0
		for i := range f.pages {
			if f.pages[i].used < f.pages[p].used {
				p = i
			}
		}
		f.pageOf[f.pages[p].holds] = -1
	}
	f.pages[p].holds = block
	f.pageOf[block] = int32(p)

	first, in := block*pageRows, f.linear.Out()
	rows := min(pageRows, len(f.tokens)-first)
	vectors := f.vectors[first/encodeRows][first%encodeRows*in:]
	f.lower.Mul(f.table[(1+p*pageRows)*f.stride():], f.stride(), vectors, in, rows)
	return int32(p)
}

// score returns the scores of the classes for the tokens in the slots.
func (f *features) score() []float32 {
	f.step++
	f.scorer.Score(f.scores, f.table, f.rows[:f.slots])
	return f.scores
}
