package spacy

import (
	"fmt"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// charTable embeds the bytes of a word (spaCy's CharacterEmbed): the first byte, the last
// one, the second one, the last but one, and so on. Each place has a table of its own with
// a row for each byte. The rows are not copied out of the model file.
type charTable struct {
	places, dim int
	data        []byte // places × 256 × dim little-endian float32
}

// noByte is the byte for a place that the word is too short for. No UTF-8 has it.
const noByte = 255

func newCharTable(l *layer) (*charTable, error) {
	e, err := l.param("E", -1, 256, -1)
	if err != nil {
		return nil, err
	}
	t := &charTable{places: e.shape[0], dim: e.shape[2], data: e.data}
	if t.places < 1 || t.places > maxPlaces || t.dim < 1 || t.dim > maxWidth {
		return nil, fmt.Errorf("layer %d (charembed): nC %d and nM %d: can run 1 to %d and 1 to %d", l.index, t.places, t.dim, maxPlaces, maxWidth)
	}
	return t, nil
}

// maxPlaces limits the memory that a broken file can make mixTypes allocate.
const maxPlaces = 256

// width returns the length of a word's vector. A nil *charTable has none.
func (t *charTable) width() int {
	if t == nil {
		return 0
	}
	return t.places * t.dim
}

// embed writes the vector of a word to dst.
func (t *charTable) embed(dst []float32, word string) {
	for i := range t.places {
		b := byte(noByte)
		switch {
		case i >= len(word):
		case i%2 == 0:
			b = word[i/2]
		default:
			b = word[len(word)-1-i/2]
		}
		kernel.AddRows(dst[i*t.dim:][:t.dim], t.data, []uint32{uint32(i)<<8 | uint32(b)})
	}
}
