package spacy

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// lookups are the tables of a lemmatizer (lookups.bin), by name. They stay in the file. Only
// indexes are made of them, with four bytes a slot.
type lookups map[string]*idTable

// readLookups reads the file. Of each wanted table it reads the values with a function. It
// leaves out the other tables.
func readLookups(data []byte, wanted map[string]func(c *msgpack.Reader)) (lookups, error) {
	tables := lookups{}
	c := msgpack.NewReader(data)
	for range c.Map() {
		name := string(c.Text())
		at := len(data) - c.Len()
		c.Skip()
		if c.Err() != nil {
			break
		}
		if wanted[name] == nil {
			continue
		}
		t, err := newIDTable(data[at:len(data)-c.Len()], wanted[name])
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		tables[name] = t
	}
	return tables, c.End()
}

// The tables of a pipeline may come from anyone. So their hashes have a seed: nobody can choose
// keys that all have the same slot. Of equal keys the last one counts, as in Python.

// idTable is a MessagePack map whose keys are spaCy's ids of strings.
type idTable struct {
	data  []byte
	slots []uint32 // hash table of the offsets of keys in data; 0: free
	seed  maphash.Seed
}

// newIDTable indexes data. It reads each value with value.
func newIDTable(data []byte, value func(c *msgpack.Reader)) (*idTable, error) {
	t := &idTable{data: data, seed: maphash.MakeSeed()}
	c, n, err := openMap(data)
	if err != nil {
		return nil, err
	}
	t.slots = make([]uint32, tableSize(n))
	for range n {
		at := len(data) - c.Len()
		id := readID(c)
		value(c)
		if c.Err() != nil {
			return nil, c.Err()
		}
		t.slots[t.slot(id)] = uint32(at)
	}
	return t, c.End()
}

// slot returns the slot of an id, or the free one for it.
func (t *idTable) slot(id uint64) uint64 {
	mask := uint64(len(t.slots) - 1)
	i := maphash.Comparable(t.seed, id) & mask
	for t.slots[i] != 0 && readID(msgpack.NewReader(t.data[t.slots[i]:])) != id {
		i = (i + 1) & mask
	}
	return i
}

// openMap begins to read a map that shall be indexed. n is the number of its pairs.
func openMap(data []byte) (c *msgpack.Reader, n int, err error) {
	if len(data) > math.MaxUint32 {
		return nil, 0, fmt.Errorf("%d bytes: too large to be indexed", len(data))
	}
	c = msgpack.NewReader(data)
	n = c.Map()
	return c, n, c.Err()
}

// tableSize returns the number of slots of a hash table for n entries, a power of two.
func tableSize(n int) int { return 1 << bits.Len(uint(n+n/3)) }

// readID reads a key. A file that spaCy has not written may have the string instead.
func readID(c *msgpack.Reader) uint64 {
	if c.IsString() {
		return tokenizer.StringID(string(c.Text()))
	}
	return c.Uint()
}

// find returns a reader of the value of a key, or nil if the table does not have the key. A
// nil table has no keys.
func (t *idTable) find(key string) *msgpack.Reader {
	if t == nil {
		return nil
	}
	at := t.slots[t.slot(tokenizer.StringID(key))]
	if at == 0 {
		return nil
	}
	c := msgpack.NewReader(t.data[at:])
	readID(c)
	return c
}

// value returns the value of a key as it is in the file, or nil.
func (t *idTable) value(key string) []byte {
	c := t.find(key)
	if c == nil {
		return nil
	}
	at := len(t.data) - c.Len()
	c.Skip()
	return t.data[at : len(t.data)-c.Len()]
}

// textTable is a MessagePack array of strings, or a map whose keys are strings.
type textTable struct {
	data  []byte
	slots []uint32 // hash table of the offsets of strings in data; 0: free
	seed  maphash.Seed
}

// newTextTable indexes data, which may be nil. Of a map it reads each value with value.
func newTextTable(data []byte, value func(c *msgpack.Reader)) (*textTable, error) {
	t := &textTable{data: data, seed: maphash.MakeSeed(), slots: make([]uint32, 1)}
	if data == nil {
		return t, nil
	}
	c, n, err := openMap(data)
	isMap := err == nil
	if !isMap {
		c = msgpack.NewReader(data)
		n = c.Array()
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	t.slots = make([]uint32, tableSize(n))
	for range n {
		at := len(data) - c.Len()
		text := c.Text()
		if isMap {
			value(c)
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
		t.slots[t.slot(string(text))] = uint32(at)
	}
	return t, c.End()
}

// slot returns the slot of a string, or the free one for it.
func (t *textTable) slot(s string) uint64 {
	mask := uint64(len(t.slots) - 1)
	i := maphash.String(t.seed, s) & mask
	for t.slots[i] != 0 && string(msgpack.NewReader(t.data[t.slots[i]:]).Text()) != s {
		i = (i + 1) & mask
	}
	return i
}

// find returns a reader of what follows a string in the table: the value of a key. It
// returns nil if the table does not have the string.
func (t *textTable) find(s string) *msgpack.Reader {
	at := t.slots[t.slot(s)]
	if at == 0 {
		return nil
	}
	c := msgpack.NewReader(t.data[at:])
	c.Text()
	return c
}
