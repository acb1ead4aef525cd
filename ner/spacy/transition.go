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
}

// maxHidden is what kernel.Scorer takes; spaCy's default is 64.
const maxHidden = 256

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
	t := &transition{classes: classes, slots: slots}
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
	if in < 1 || t.hidden < 1 || t.hidden > maxHidden {
		return fmt.Errorf("layer %d (%s): hidden width %d: can run 1 to %d", lower.index, lower.kind(), t.hidden, maxHidden)
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

// features computes the parts of the tokens of one text as a decoder walks
// through it: the network runs over a piece of the text when the decoder gets
// there. The parts of the last ring tokens are kept. A decoder that looks
// farther back, into a very long sentence or entity, has them computed again.
type features struct {
	*transition
	encoder encoder
	text    string
	tokens  []Token

	encoded int       // tokens that are in hidden, from first on
	first   int       // the first token in hidden
	vectors []float32 // outputs of the linear layer

	ready  int       // tokens whose parts were computed
	table  []float32 // [1 padding, slots far tokens, ring][slots][2][hidden]
	far    []int     // by slot: the token in its far row, -1
	rows   [maxSlots]int32
	scores []float32
}

const (
	ring       = 256 // a power of two
	blockRows  = 64  // parts computed at once; divides ring
	maxSlots   = 8
	paddingRow = 0
)

// start begins a text.
func (f *features) start(t *transition, text string, tokens []Token) {
	f.transition, f.text, f.tokens = t, text, tokens
	f.encoded, f.first, f.ready = 0, 0, 0
	rows := (len(tokens) + blockRows - 1) / blockRows * blockRows
	f.table = grow(f.table, (1+t.slots+min(ring, rows))*t.stride())
	copy(f.table, t.padding)
	f.far = grow(f.far, t.slots)
	for i := range f.far {
		f.far[i] = -1
	}
	f.scores = grow(f.scores, len(t.classes))
}

// stride is the length of a token's parts.
func (t *transition) stride() int { return t.slots * 2 * t.hidden }

// reach makes the parts of tokens up to and including token available. The
// decoder will not ask again for tokens before keep.
func (f *features) reach(ctx context.Context, token, keep int) error {
	for f.ready <= min(token, len(f.tokens)-1) {
		to := min(f.ready+blockRows, len(f.tokens))
		if to > f.encoded {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.encodeNext(keep)
		}
		in := f.linear.Out()
		at := 1 + f.slots + f.ready%ring
		f.lower.Mul(f.table[at*f.stride():], f.stride(), f.vectors[(f.ready-f.first)*in:], in, to-f.ready)
		f.ready = to
	}
	return nil
}

// encodeNext runs the network over the next piece of the text, and forgets
// the tokens before keep.
func (f *features) encodeNext(keep int) {
	in := f.linear.Out()
	if keep > f.first {
		copy(f.vectors, f.vectors[(keep-f.first)*in:(f.encoded-f.first)*in])
		f.first = keep
	}
	a, b := f.encoded, min(f.encoded+encodeRows, len(f.tokens))
	if need := (b - f.first) * in; cap(f.vectors) < need {
		f.vectors = append(make([]float32, 0, need+need/2), f.vectors[:(a-f.first)*in]...)
	}
	f.vectors = f.vectors[:(b-f.first)*in]
	width := f.tok2vec.width
	z := f.tok2vec.encode(&f.encoder, f.text, f.tokens, a, b)
	f.linear.Mul(f.vectors[(a-f.first)*in:], in, z, width, b-a)
	f.encoded = b
}

// set puts a token into a slot; -1 is a missing one.
func (f *features) set(slot, token int) {
	switch {
	case token < 0:
		f.rows[slot] = paddingRow
	case token >= f.ready-ring:
		f.rows[slot] = int32(1 + f.slots + token%ring)
	default:
		f.rows[slot] = int32(1 + slot)
		if f.far[slot] != token {
			f.far[slot] = token
			in := f.linear.Out()
			f.lower.Mul(f.table[(1+slot)*f.stride():], f.stride(), f.vectors[(token-f.first)*in:], in, 1)
		}
	}
}

// score returns the scores of the classes for the tokens in the slots.
func (f *features) score() []float32 {
	f.scorer.Score(f.scores, f.table, f.rows[:f.slots])
	return f.scores
}
