package spacy

import (
	"context"
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// transition is the model spacy.TransitionBasedParser.v2. It scores the moves in a
// state. The parser and the entity recognizer each have one.
//
//	vectors of the tokens --linear--> hidden --lower--> slots×pieces×hidden
//	  a state has a token for each slot, and their parts are added,
//	  --maxout--> hidden --upper--> a score for each class
type transition struct {
	classes []class
	tok2vec *tok2vec

	linear  *kernel.Matrix
	lower   *kernel.Matrix // its outputs are [slots][pieces][hidden]
	scorer  *kernel.Scorer // nil: use other
	other   *otherScorer   // for sizes that scorer does not have
	slots   int
	pieces  int       // maxout pieces of the lower layer
	hidden  int       // number of hidden units of the lower layer
	padding []float32 // [slots][pieces][hidden]: the parts of a missing token
	closest float32   // see isClose
}

// newTransition builds the model from the layers of its file. slots are the numbers of
// slots that the decoder knows. shared is the tok2vec that the model may listen to, or nil.
func newTransition(layers []layer, classes []class, slots []int, shared *tok2vec, vecs *vectors, cacheEntries int) (*transition, error) {
	root := &layers[0]
	at := func(ref, name string) (*layer, error) {
		i := root.ref(ref)
		if root.name != "parser_model" || i < 0 || i >= len(layers) || layers[i].name != name {
			return nil, fmt.Errorf("no %s layer %s: not a model of TransitionBasedParser.v2", ref, name)
		}
		return &layers[i], nil
	}
	lower, err := at("lower", "precomputable_affine")
	if err != nil {
		return nil, err
	}
	var upper *layer // nil without use_upper: the file then has a layer that does nothing
	if _, err := at("upper", "noop"); err != nil {
		if upper, err = at("upper", "linear"); err != nil {
			return nil, err
		}
	}
	t := &transition{classes: classes, closest: closeMargin}
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
		t.tok2vec = shared
	default:
		if t.tok2vec, err = newTok2Vec(layers, vecs, cacheEntries); err != nil {
			return nil, err
		}
	}
	width = t.tok2vec.width
	if linear == nil {
		return nil, fmt.Errorf("no layer linear between tok2vec and the lower layer")
	}
	return t, t.build(linear, lower, upper, width, slots)
}

// build packs the weights of the model, except those of its tok2vec.
func (t *transition) build(linear, lower, upper *layer, width int, slots []int) error {
	lw, err := linear.param("W", -1, width)
	if err != nil {
		return err
	}
	in := lw.shape[0]
	lb, err := linear.param("b", in)
	if err != nil {
		return err
	}
	w, err := lower.param("W", -1, -1, -1, in)
	if err != nil {
		return err
	}
	t.slots, t.hidden, t.pieces = w.shape[0], w.shape[1], w.shape[2]
	if !slices.Contains(slots, t.slots) {
		return fmt.Errorf("layer %d (%s): the model looks at %d tokens, can run %v: extra_state_tokens is not implemented for this component", lower.index, lower.kind(), t.slots, slots)
	}
	if in < 1 || t.hidden < 1 || t.pieces < 1 {
		return fmt.Errorf("layer %d (%s): W has shape %v", lower.index, lower.kind(), w.shape)
	}
	b, err := lower.param("b", t.hidden, t.pieces)
	if err != nil {
		return err
	}
	pad, err := lower.param("pad", 1, t.slots, t.hidden, t.pieces)
	if err != nil {
		return err
	}
	t.linear = kernel.NewMatrix(lw.floats(), lb.floats(), in, 1, width)
	// The file has the pieces of a hidden unit side by side. Here all first pieces come
	// first, so that the maximum is taken over rows.
	t.lower = kernel.NewMatrix(splitPieces(w.floats(), t.hidden, t.pieces, in), nil, t.slots*t.pieces*t.hidden, 1, in)
	t.padding = splitPieces(pad.floats(), t.hidden, t.pieces, 1)
	return t.buildScorer(splitPieces(b.floats(), t.hidden, t.pieces, 1), upper)
}

// buildScorer packs the weights of the upper layer. bias is that of the lower layer. upper
// is nil if the hidden units are the scores.
func (t *transition) buildScorer(bias []float32, upper *layer) error {
	classes := len(t.classes)
	if upper == nil {
		if t.hidden != classes {
			return fmt.Errorf("the model has %d scores and no upper layer (use_upper = false), and the moves file makes %d classes", t.hidden, classes)
		}
		t.other = &otherScorer{hidden: t.hidden, pieces: t.pieces, bias: bias}
		return nil
	}
	w, err := upper.param("W", classes, t.hidden)
	if err != nil {
		return fmt.Errorf("%w (the moves file makes %d classes)", err, classes)
	}
	b, err := upper.param("b", classes)
	if err != nil {
		return err
	}
	if t.pieces == 2 && t.hidden <= kernel.MaxHidden {
		t.scorer = kernel.NewScorer(w.floats(), b.floats(), classes, bias, t.hidden)
		return nil
	}
	t.other = &otherScorer{t.hidden, t.pieces, bias, kernel.NewMatrix(w.floats(), b.floats(), classes, 1, t.hidden)}
	return nil
}

// splitPieces turns [n][hidden][pieces][size] into [n][pieces][hidden][size].
func splitPieces(x []float32, hidden, pieces, size int) []float32 {
	out := make([]float32, len(x))
	for n := 0; n < len(x); n += pieces * hidden * size {
		for o := range hidden {
			for p := range pieces {
				copy(out[n+(p*hidden+o)*size:][:size], x[n+(o*pieces+p)*size:])
			}
		}
	}
	return out
}

// features computes the scores for a decoder that walks through one text. The parts of
// a token are its results of the lower layer, one for each slot.
//
// tok2vec and the linear layer run over a piece of the text when the decoder reaches
// it. The parts of a token are computed when the token is first put into a slot,
// together with those of the other tokens of its page. A fixed number of pages is
// kept, because a decoder seldom looks at tokens that are far from each other.
type features struct {
	*transition
	encoder *encoder
	text    string
	tokens  []Token

	encoded int         // how many tokens tok2vec and the linear layer have computed
	likely  int         // how many tokens will probably be enough, see expect
	vectors [][]float32 // results of the linear layer, encodeRows tokens a piece; nil: dropped
	dropped int         // how many pieces were dropped
	spare   [][]float32 // the memory of the dropped pieces

	taps []tap // models that decide from the same vectors

	ahead   *ahead   // computes the pieces of a long text; nil: the text is not long
	coming  []coming // the pieces of a long text
	reached int      // the next piece of a long text

	table  []float32 // [1 padding, pages × pageRows tokens][slots][pieces][hidden]
	pageOf []int32   // by token/pageRows: the page that holds these tokens' parts; -1: none
	pages  []page
	step   int             // counts the calls of score
	rows   [maxSlots]int32 // the row of table for each slot
	in     [maxSlots]int32 // the token in each slot; -1: none
	scores []float32
	sums   []float32 // working memory of otherScorer
	long   *longSums // nil until the text's first close decision
}

// page describes one part of the table: the parts of pageRows tokens.
type page struct {
	holds int // the index of these tokens in pageOf
	used  int // the step at which it was last used
}

const (
	pageRows = 8  // tokens of a page; divides encodeRows
	maxPages = 12 // more than maxSlots, so that no step replaces a page that it needs
	maxSlots = 8
)

// start begins a text. Several features may use the same encoder, but not at once.
func (f *features) start(t *transition, e *encoder, text string, tokens []Token) {
	f.transition, f.encoder, f.text, f.tokens = t, e, text, tokens
	f.ahead, f.long, f.taps = nil, nil, nil
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

// stride returns the length of a token's parts.
func (t *transition) stride() int { return t.slots * t.pieces * t.hidden }

// reach makes the tokens up to and including token available to set. The decoder
// promises not to use tokens before keep again. reach fails with the context's error
// when ctx ends.
func (f *features) reach(ctx context.Context, token, keep int) error {
	for f.encoded <= token {
		var err error
		if f.ahead != nil {
			err = f.ahead.take(ctx, f, keep)
		} else {
			err = f.encodeNext(ctx, keep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expect announces that the decoder will probably look at the first n tokens only.
// reach then computes later tokens only if the decoder asks for one.
func (f *features) expect(n int) {
	f.likely = (n + pageRows - 1) / pageRows * pageRows
}

// encodeNext runs tok2vec and the linear layer over the next piece of the text or a
// part of it. It drops the pieces before token keep.
func (f *features) encodeNext(ctx context.Context, keep int) error {
	a, first := f.encoded, f.encoded/encodeRows*encodeRows
	end := min(first+encodeRows, len(f.tokens))
	if a == first {
		f.drop(keep / encodeRows)
		f.vectors = append(f.vectors, f.pieceMemory(first))
	}
	b := end
	if a < f.likely {
		b = min(b, f.likely)
	}
	err := f.encode(ctx, f.encoder, f.vectors[first/encodeRows][(a-first)*f.linear.Out():], a, b)
	if err == nil {
		f.encoded = b
	}
	return err
}

// pieceMemory returns memory for the piece of the text that begins at token first.
func (f *features) pieceMemory(first int) []float32 {
	var piece []float32
	if last := len(f.spare) - 1; last >= 0 {
		piece, f.spare = f.spare[last], f.spare[:last]
	}
	return grow(piece, (min(first+encodeRows, len(f.tokens))-first)*f.linear.Out())
}

// encode runs tok2vec and the linear layer over tokens a to b-1 and writes the results to
// dst.
func (f *features) encode(ctx context.Context, e *encoder, dst []float32, a, b int) error {
	vectors, err := f.tok2vec.encode(ctx, e, f.text, f.tokens, a, b)
	if err != nil {
		return err
	}
	for _, t := range f.taps {
		t.decide(e, vectors, t.classes[a:b])
	}
	f.linear.Mul(dst, f.linear.Out(), vectors, f.tok2vec.width, b-a)
	return nil
}

// drop drops the first pieces of vectors, and keeps their memory in spare.
func (f *features) drop(pieces int) {
	for ; f.dropped < pieces; f.dropped++ {
		f.spare = append(f.spare, f.vectors[f.dropped])
		f.vectors[f.dropped] = nil
	}
}

// set puts a token into a slot. -1 means a missing token.
func (f *features) set(slot, token int) {
	f.in[slot] = int32(token)
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

// load computes the parts of a page of tokens and returns the page's number. When
// there are maxPages pages, it replaces the least recently used one.
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
	f.scoreOf(f.table, f.rows[:f.slots])
	return f.scores
}

// scoreOf sets the scores from the parts of the tokens in a table, one row for each slot.
func (f *features) scoreOf(table []float32, rows []int32) {
	if f.scorer != nil {
		f.scorer.Score(f.scores, table, rows)
		return
	}
	f.sums = grow(f.sums, f.pieces*f.hidden)
	f.other.score(f.scores, table, rows, f.sums)
}

// scoreLong returns the same scores, computed from long sums (margin.go).
func (f *features) scoreLong(ctx context.Context) ([]float32, error) {
	if f.long == nil {
		f.long = newLongSums(f.tok2vec, f.linear)
	}
	stride := f.stride()
	table := grow(f.long.table, (1+f.slots)*stride)
	f.long.table = table
	copy(table, f.padding)
	var rows [maxSlots]int32
	for slot, token := range f.in[:f.slots] {
		if token < 0 {
			continue
		}
		vector, err := f.long.vector(ctx, f.text, f.tokens, int(token))
		if err != nil {
			return nil, err
		}
		f.lower.Mul(table[(1+slot)*stride:], stride, vector, f.linear.Out(), 1)
		rows[slot] = int32(1 + slot)
	}
	f.scoreOf(table, rows[:f.slots])
	return f.scores, nil
}
