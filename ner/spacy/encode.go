package spacy

import (
	"context"
	"slices"

	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// column is an attribute of a token that a network embeds.
type column uint8

const (
	colNorm column = iota
	colPrefix
	colSuffix
	colShape
	colSpacy
	colIsSpace
	colLower
	colOrth
)

// columnNames are spaCy's names, in the order of the constants.
var columnNames = [...]string{"NORM", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE", "LOWER", "ORTH"}

// columnIDs are spaCy's numbers for the same attributes (spacy.attrs).
var columnIDs = [...]int64{67, 69, 70, 68, 81, 6, 66, 65}

// id returns a token's id in a column.
func (c column) id(text string, t *Token) uint64 {
	switch c {
	case colNorm:
		return t.Norm
	case colPrefix:
		return t.Prefix
	case colSuffix:
		return t.Suffix
	case colShape:
		return t.Shape
	case colSpacy:
		return bit(t.Space)
	case colIsSpace:
		return bit(t.IsSpace)
	case colLower:
		return tokenizer.LowerID(text[t.Start:t.End])
	default:
		return t.Orth
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// encoder is the working memory of tok2vec.encode, for one goroutine. It has room for
// encodeRows tokens and, on each side, for their neighbours that the network reads.
type encoder struct {
	// z holds the vectors of tokens a to b-1, computed by the network ready. ready is
	// nil if z holds none. When two components listen to one network, the second one
	// finds the vectors of a text of one piece here.
	ready *tok2vec
	a, b  int

	long []maxout // the layers for long sums (margin.go); nil: use the convolution

	z       []float32 // the rows of the piece and its neighbours
	tmp     []float32 // maxout's results, before layernorm
	scratch []float32 // working memory of kernel.Conv, or of maxout

	// Types that the cache does not have:
	keys   []uint64  // their ids, keyLen each
	hashes []uint64  // the hashes of their keys
	words  []string  // their texts, if the network embeds characters
	rows   []rowType // the rows that need these types
	slots  []int32   // hash table of the types; -1: free
	x      []float32 // their concatenated embeddings, of mixRows types at a time
	vec    []float32 // the word vectors of the same types
	mixed  []float32 // the mix rows of all these types

	scores []float32 // of tagModel.decide
}

type rowType struct{ row, typ int32 }

// mixRows is how many unknown types are embedded at once.
const mixRows = 64

// encodeRows is how many tokens are encoded at once. A longer text is encoded in
// pieces, so the memory for the networks does not grow with the text, and the rows
// stay in a second-level cache. Where two pieces meet, a few rows are computed twice.
const encodeRows = 512

// encode returns the vectors of tokens a to b-1 of a text, at most encodeRows tokens.
// The vectors are valid until the next call with the same encoder. It asks ctx before
// every layer and fails with the context's error when ctx has ended.
//
// spaCy surrounds a text with rows of zeros, window rows on each side for each layer. The
// layers run over these rows, too. So the rows do not stay zero, and they change the
// rows of the text's tokens.
func (t *tok2vec) encode(ctx context.Context, e *encoder, text string, tokens []Token, a, b int) ([]float32, error) {
	w, n, sides := t.width, len(tokens), len(t.encoder)*t.window
	if e.ready == t && e.a <= a && b <= e.b {
		return e.z[(a-e.a+sides)*w:][:(b-a)*w], nil
	}
	e.ready = nil
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// z has the rows that the first layer reads: from sides rows before a to sides rows
	// after b. Each layer computes window rows less on both sides. It computes groups of
	// kernel.ConvRows rows, so the last group may read and write rows that are not needed.
	first, end := a-sides, b+sides+kernel.ConvRows
	row := func(token int) []float32 { return e.z[(token-first)*w:] }
	e.z = grow(e.z, (end-first)*w)
	e.tmp = grow(e.tmp, (end-first)*w)

	from, to := max(first, 0), min(b+sides, n)
	clear(row(first)[:(from-first)*w])
	clear(row(to)[:(end-to)*w])
	t.embed(e, row(from), text, tokens[from:to])

	for i := range t.encoder {
		l, more := &t.encoder[i], sides-(i+1)*t.window
		from, rows := a-more, groups(b-a+2*more)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x, sums := row(from-t.window), l.sums
		if e.long != nil {
			sums = e.long[i]
		}
		if sums == nil {
			e.scratch = grow(e.scratch, l.conv.Scratch())
			l.conv.Mul(e.tmp, x, rows, e.scratch)
		} else {
			e.scratch = grow(e.scratch, rows*w)
			sums.mul(e.tmp, x, w, rows, e.scratch)
		}
		kernel.LayerNorm(row(from), w, e.tmp, w, row(from), w, l.gain, l.bias, rows)
		// Rows that no token reaches come from zeros and biases. Where the biases are small,
		// layernorm makes the rounding errors large that the convolution gets from the
		// other rows of a group.
		far := (i + 1) * t.window
		for j := from; j < -far; j++ {
			copy(row(j), l.padding)
		}
		for j := n + far; j < b+more; j++ {
			copy(row(j), l.padding)
		}
	}
	e.ready, e.a, e.b = t, a, b
	return row(a)[:(b-a)*w], nil
}

// groups rounds rows up to a multiple of kernel.ConvRows.
func groups(rows int) int {
	return (rows + kernel.ConvRows - 1) / kernel.ConvRows * kernel.ConvRows
}

// embed writes the mix rows of the tokens to dst. It copies a row from the cache if
// the cache has the token's type. Otherwise it computes the row from the tables, once
// for each type.
func (t *tok2vec) embed(e *encoder, dst []float32, text string, tokens []Token) {
	w, k := t.width, t.keyLen()
	e.keys, e.hashes, e.words, e.rows = e.keys[:0], e.hashes[:0], e.words[:0], e.rows[:0]
	size := 4
	for size < 2*len(tokens) {
		size *= 2
	}
	e.slots = grow(e.slots, size)
	for i := range e.slots {
		e.slots[i] = -1
	}
	for i := range tokens {
		known := len(e.keys)
		e.keys = t.appendKey(e.keys, text, &tokens[i])
		key := e.keys[known:]
		hash := hashKey(key)
		if t.cache.get(dst[i*w:][:w], key, hash) {
			e.keys = e.keys[:known]
			continue
		}
		typ, isNew := e.findType(key, hash, k)
		if !isNew {
			e.keys = e.keys[:known]
		} else if t.chars != nil {
			e.words = append(e.words, text[tokens[i].Start:tokens[i].End])
		}
		e.rows = append(e.rows, rowType{int32(i), typ})
	}
	if len(e.hashes) == 0 {
		return
	}
	e.mixed = grow(e.mixed, len(e.hashes)*w)
	for at := 0; at < len(e.hashes); at += mixRows {
		rows := min(mixRows, len(e.hashes)-at)
		t.mixTypes(e, e.mixed[at*w:], at, rows)
	}
	clear(e.words) // do not keep the caller's text in memory
	for i, hash := range e.hashes {
		t.cache.put(e.keys[i*k:][:k], hash, e.mixed[i*w:][:w])
	}
	for _, r := range e.rows {
		copy(dst[int(r.row)*w:][:w], e.mixed[int(r.typ)*w:][:w])
	}
}

// appendKey appends the ids of a token from which its embedding is computed.
func (t *tok2vec) appendKey(key []uint64, text string, tok *Token) []uint64 {
	for _, c := range t.columns {
		key = append(key, c.id(text, tok))
	}
	if t.readsOrth() {
		key = append(key, tok.Orth)
	}
	return key
}

// findType returns the number of a type among those that the cache does not have. It
// adds the type, and returns isNew, if this piece of the text had no such token yet.
// The caller then leaves key at the end of e.keys.
func (e *encoder) findType(key []uint64, hash uint64, k int) (typ int32, isNew bool) {
	mask := uint64(len(e.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		typ = e.slots[i]
		if typ < 0 {
			typ = int32(len(e.hashes))
			e.slots[i] = typ
			e.hashes = append(e.hashes, hash)
			return typ, true
		}
		if e.hashes[typ] == hash && slices.Equal(e.keys[int(typ)*k:][:k], key) {
			return typ, false
		}
	}
}

// mixTypes computes the mix rows of at most mixRows types of e, from type first on.
func (t *tok2vec) mixTypes(e *encoder, dst []float32, first, rows int) {
	w, k, in, chars := t.width, t.keyLen(), t.mixInputs(), t.chars.width()
	keys := e.keys[first*k:]
	e.x = grow(e.x, rows*in)
	for r := range rows {
		key, x := keys[r*k:][:k], e.x[r*in:][:in]
		if t.chars != nil {
			t.chars.embed(x, e.words[first+r])
		}
		for i := range t.tables {
			t.tables[i].embed(x[chars+i*w:][:w], key[t.tables[i].column])
		}
	}
	if t.static != nil {
		t.static.embed(e, e.x[chars+len(t.tables)*w:], in, keys[k-1:], k, rows)
	}
	t.mix.maxout.Mul(e.tmp, w, e.x, in, rows)
	kernel.LayerNorm(dst, w, e.tmp, w, nil, 0, t.mix.gain, t.mix.bias, rows)
}

// grow returns a slice of length n with undefined contents. It returns s if s is
// large enough. A new slice has at least 1.5 times the capacity of s, because the
// next text may be a little longer.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, cap(s)+cap(s)/2))
	}
	return s[:n]
}
