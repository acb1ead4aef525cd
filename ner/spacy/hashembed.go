package spacy

import (
	"fmt"
	"math/bits"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// hashTable is a hash embedding (thinc's HashEmbed): every id has four rows of
// the table, and its vector is their sum. The rows are not copied out of the model
// file.
type hashTable struct {
	column int // the network's column whose ids it embeds
	seed   uint32
	rows   uint32
	data   []byte // rows × width little-endian float32
}

func newHashTable(l *layer, width, columns int) (hashTable, error) {
	column, err := l.intAttr("column")
	if err != nil {
		return hashTable{}, err
	}
	seed, err := l.intAttr("seed")
	if err != nil {
		return hashTable{}, err
	}
	if column < 0 || column >= int64(columns) || seed < 0 || seed > 1<<32-1 {
		return hashTable{}, fmt.Errorf("layer %d (hashembed): column %d of %d, seed %d", l.index, column, columns, seed)
	}
	e, err := l.param("E", -1, width)
	if err != nil {
		return hashTable{}, err
	}
	if e.shape[0] == 0 {
		return hashTable{}, fmt.Errorf("layer %d (hashembed): no rows", l.index)
	}
	return hashTable{int(column), uint32(seed), uint32(e.shape[0]), e.data}, nil
}

// embed writes the vector of an id to dst.
func (t *hashTable) embed(dst []float32, id uint64) {
	h1, h2 := hashRows(id, t.seed)
	rows := [4]uint32{uint32(h1) % t.rows, uint32(h1>>32) % t.rows, uint32(h2) % t.rows, uint32(h2>>32) % t.rows}
	kernel.AddRows(dst, t.data, rows[:])
}

// hashRows is MurmurHash3_x64_128 of the eight bytes of id (Austin Appleby,
// public domain), as thinc's Ops.hash computes it. thinc calls it
// MurmurHash3_x86_128, but that is another function and would return other rows.
func hashRows(id uint64, seed uint32) (h1, h2 uint64) {
	h1 = id * 0x87c37b91114253d5
	h1 = bits.RotateLeft64(h1, 31) * 0x4cf5ad432745937f
	h1 ^= uint64(seed) ^ 8
	h2 = uint64(seed) ^ 8
	h1 += h2
	h2 += h1
	h1, h2 = mix64(h1), mix64(h2)
	h1 += h2
	h2 += h1
	return h1, h2
}

// mix64 is the last step of MurmurHash3.
func mix64(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
