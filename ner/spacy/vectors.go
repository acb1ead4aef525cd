package spacy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/bits"
	"math/rand/v2"
	"regexp"
	"strconv"

	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// vectors is a table of word vectors (vocab/vectors, vocab/key2row). That of
// en_core_web_md has 20 000 rows for 684 830 words. Both files are used in place. The
// ids in key2row are not sorted, so vectors has an index: a hash table with four bytes
// a slot.
type vectors struct {
	dim  int
	rows int
	data []byte // rows × dim little-endian float32

	keys  []byte   // MessagePack map of ids to rows
	index []uint32 // hash table of offsets into keys; 0: free
	seed  uint64   // of the hashes: nobody can choose ids that all have the same slot

	// lastForUnknown says that a word without a vector has that of the last row, as in the
	// layer StaticVectors.v1 of spaCy 3.0. Otherwise its vector is zero.
	lastForUnknown bool
}

func loadVectors(src source) (*vectors, error) {
	var cfg struct{ Mode string }
	cfg.Mode = "default"
	raw, ok, err := src.optional("vocab/vectors.cfg")
	if err == nil && ok { // spaCy writes it from version 3.2 on
		err = json.Unmarshal(raw, &cfg)
	}
	if err != nil {
		return nil, err
	}
	if cfg.Mode != "default" {
		return nil, fmt.Errorf("vocab/vectors.cfg: the word vectors have the mode %q, can run only the mode \"default\": train with other vectors, or without (spacy init config --optimize efficiency)", cfg.Mode)
	}
	v := &vectors{}
	table, err := src.read("vocab/vectors")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the network needs the word vectors in vocab: save the pipeline without exclude=[\"vocab\"]", err)
	}
	if err != nil {
		return nil, err
	}
	if err := v.readTable(table); err != nil {
		return nil, fmt.Errorf("vocab/vectors: %w", err)
	}
	if v.keys, err = src.read("vocab/key2row"); err != nil {
		return nil, err
	}
	if err := v.readKeys(); err != nil {
		return nil, fmt.Errorf("vocab/key2row: %w", err)
	}
	return v, nil
}

var npyShape = regexp.MustCompile(`'shape': *\((\d+), *(\d+)\)`)

// readTable reads NumPy's .npy format, version 1.
func (v *vectors) readTable(data []byte) error {
	header, ok := bytes.CutPrefix(data, []byte("\x93NUMPY\x01\x00"))
	if !ok || len(header) < 2 {
		return fmt.Errorf("not a .npy file of version 1")
	}
	size := int(binary.LittleEndian.Uint16(header))
	if len(header) < 2+size {
		return fmt.Errorf("%d bytes: shorter than its header", len(data))
	}
	header, v.data = header[2:2+size], header[2+size:]
	shape := npyShape.FindSubmatch(header)
	if shape == nil || !bytes.Contains(header, []byte("'descr': '<f4'")) || !bytes.Contains(header, []byte("'fortran_order': False")) {
		return fmt.Errorf("header %q: want a table of <f4 in C order", bytes.TrimSpace(header))
	}
	rows, err1 := strconv.ParseUint(string(shape[1]), 10, 31)
	dim, err2 := strconv.ParseUint(string(shape[2]), 10, 31)
	if err1 != nil || err2 != nil || rows*dim*4/4 != rows*dim || rows*dim*4 != uint64(len(v.data)) {
		return fmt.Errorf("shape (%s, %s) with %d bytes", shape[1], shape[2], len(v.data))
	}
	v.rows, v.dim = int(rows), int(dim)
	return nil
}

// readKeys fills the index from keys. It fails if a row is not in the table.
func (v *vectors) readKeys() error {
	if len(v.keys) > math.MaxUint32 {
		return fmt.Errorf("%d bytes: too large to be indexed", len(v.keys))
	}
	c := msgpack.NewReader(v.keys)
	n := c.Map()
	if c.Err() != nil {
		return c.Err()
	}
	v.index, v.seed = make([]uint32, 1<<bits.Len(uint(n+n/3))), rand.Uint64()
	for range n {
		at := len(v.keys) - c.Len()
		key, row := c.Uint(), c.Uint()
		if c.Err() != nil {
			return c.Err()
		}
		if row >= uint64(v.rows) {
			return fmt.Errorf("id %d has row %d of %d", key, row, v.rows)
		}
		v.index[v.slot(key)] = uint32(at) // of equal ids the last one counts, as in Python
	}
	return c.End()
}

// row returns the row of an id, or -1 if its vector is zero.
func (v *vectors) row(id uint64) int {
	at := v.index[v.slot(id)]
	switch {
	case at != 0:
	case v.lastForUnknown:
		return v.rows - 1
	default:
		return -1
	}
	c := msgpack.NewReader(v.keys[at:])
	c.Uint()
	return int(c.Uint())
}

// slot returns the slot of an id in the index, or the free one for it.
func (v *vectors) slot(id uint64) uint64 {
	mask := uint64(len(v.index) - 1)
	i := mix64(id^v.seed) & mask
	for v.index[i] != 0 && msgpack.NewReader(v.keys[v.index[i]:]).Uint() != id {
		i = (i + 1) & mask
	}
	return i
}

// staticVectors is the layer that multiplies word vectors with a matrix, so that they
// have a network's width.
type staticVectors struct {
	vectors *vectors
	matrix  *kernel.Matrix // without bias
}

func newStaticVectors(l *layer, v *vectors, width int) (*staticVectors, error) {
	if v == nil || v.rows == 0 {
		return nil, fmt.Errorf("layer %d (static_vectors) needs word vectors, and vocab/vectors has none", l.index)
	}
	if c := l.attr("key_attr"); c == nil || string(c.Text()) != "ORTH" || c.End() != nil {
		return nil, fmt.Errorf("layer %d (static_vectors): key_attr is not ORTH", l.index)
	}
	w, err := l.param("W", width, v.dim)
	if err != nil {
		return nil, fmt.Errorf("%w (vocab/vectors has vectors of %d)", err, v.dim)
	}
	return &staticVectors{v, kernel.NewMatrix(w.floats(), nil, width, 1, v.dim)}, nil
}

// embed multiplies the vectors of words with the matrix. The product for the word with
// the id ids[r*k] goes to dst[r*ldd:], for r < rows.
func (s *staticVectors) embed(e *encoder, dst []float32, ldd int, ids []uint64, k, rows int) {
	dim := s.vectors.dim
	e.vec = grow(e.vec, rows*dim)
	for r := range rows {
		vec := e.vec[r*dim:][:dim]
		if row := s.vectors.row(ids[r*k]); row >= 0 {
			kernel.AddRows(vec, s.vectors.data, []uint32{uint32(row)})
		} else {
			clear(vec) // the product is zero: the layer has no bias
		}
	}
	s.matrix.Mul(dst, ldd, e.vec, dim, rows)
}
