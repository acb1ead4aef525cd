package spacy

import "slices"

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
		return flag(t.Space)
	case colIsSpace:
		return flag(t.IsSpace)
	case colLower:
		var buf [64]byte
		return stringID(appendLower(buf[:0], text[t.Start:t.End]))
	default:
		return t.Orth
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// encoder is the working memory of a tok2vec: one goroutine's, for encodeRows
// tokens and as many neighbours as the network is deep.
type encoder struct {
	// What z holds, so that two components that listen to one network have a
	// text of one piece encoded once. ready is nil if it holds nothing.
	ready *tok2vec
	a, b  int

	z   []float32 // the rows of the piece and its neighbours
	tmp []float32 // maxout's results, before layernorm

	// Types the cache does not know:
	keys   []uint64  // their ids, keyLen each
	hashes []uint64  // the hashes of those
	rows   []rowType // which rows of z wait for which type
	slots  []int32   // hash table of the types, -1 free
	x      []float32 // concatenated embeddings, mixRows at a time
	vec    []float32 // word vectors of the same
	mixed  []float32 // their mix rows
}

type rowType struct{ row, typ int32 }

// mixRows is how many unknown types are embedded at once.
const mixRows = 64

// encode computes the vectors of tokens a to b-1 of a text, at most
// encodeRows. They are valid until the next call. A token's vector does not
// depend on how the text is divided into pieces.
func (t *tok2vec) encode(e *encoder, text string, tokens []Token, a, b int) []float32 {
	w, n, depth := t.width, len(tokens), len(t.convs)
	// Row i of z is token first+i. The last layer needs rows a to b-1, and
	// every layer one more on each side of what the next one needs.
	first := a - depth
	if e.ready == t && e.a == a && e.b == b {
		return e.z[depth*w:][:(b-a)*w]
	}
	e.ready, e.a, e.b = t, a, b
	e.z = grow(e.z, (b-a+2*depth)*w)
	e.tmp = grow(e.tmp, (b-a+2*depth)*w)
	row := func(token int) []float32 { return e.z[(token-first)*w:] }

	from, to := max(first, 0), min(b+depth, n)
	clear(row(first)[:(from-first)*w])
	clear(row(to)[:(b+depth-to)*w])
	t.embed(e, row(from), text, tokens[from:to])

	for l := range t.convs {
		more := depth - l - 1
		lo, hi := a-more, b+more
		// Rows outside the text are computed where their window touches a row
		// the text has reached, one more with every layer. Farther out all
		// rows of a layer are the same.
		from, to := max(lo, -l-1), min(hi, n+l+1)
		t.convs[l].run(row(from), row(from-1), w, row(from), e.tmp, to-from)
		for i := lo; i < from; i++ {
			copy(row(i)[:w], t.outside[l+1])
		}
		for i := to; i < hi; i++ {
			copy(row(i)[:w], t.outside[l+1])
		}
	}
	return row(a)[:(b-a)*w]
}

// embed computes the mix rows of the tokens: from the cache, or, once per
// unknown type, from the tables.
func (t *tok2vec) embed(e *encoder, dst []float32, text string, tokens []Token) {
	w, k := t.width, t.keyLen()
	e.keys, e.hashes, e.rows = e.keys[:0], e.hashes[:0], e.rows[:0]
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
		}
		e.rows = append(e.rows, rowType{int32(i), typ})
	}
	if len(e.hashes) == 0 {
		return
	}
	e.mixed = grow(e.mixed, len(e.hashes)*w)
	for at := 0; at < len(e.hashes); at += mixRows {
		rows := min(mixRows, len(e.hashes)-at)
		t.mixTypes(e, e.mixed[at*w:], e.keys[at*k:], rows)
	}
	for i, hash := range e.hashes {
		t.cache.put(e.keys[i*k:][:k], hash, e.mixed[i*w:][:w])
	}
	for _, r := range e.rows {
		copy(dst[int(r.row)*w:][:w], e.mixed[int(r.typ)*w:][:w])
	}
}

// appendKey appends the ids that decide a token's embedding.
func (t *tok2vec) appendKey(key []uint64, text string, tok *Token) []uint64 {
	for _, c := range t.columns {
		key = append(key, c.id(text, tok))
	}
	if t.static != nil {
		key = append(key, tok.Orth)
	}
	return key
}

// findType returns the number of an unknown type in this piece, and whether it
// was met for the first time; then key is already at its place in e.keys.
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

// mixTypes computes the mix rows of at most mixRows types from their keys.
func (t *tok2vec) mixTypes(e *encoder, dst []float32, keys []uint64, rows int) {
	w, k, in := t.width, t.keyLen(), t.mixInputs()
	e.x = grow(e.x, rows*in)
	for r := range rows {
		key := keys[r*k:][:k]
		for i := range t.tables {
			t.tables[i].embed(e.x[r*in+i*w:][:w], key[t.tables[i].column])
		}
	}
	if t.static != nil {
		t.static.embed(e, e.x[len(t.tables)*w:], in, keys[k-1:], k, rows)
	}
	t.mix.run(dst, e.x, in, nil, e.tmp, rows)
}

// grow returns a slice of length n with whatever it held before, reusing s if
// it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
