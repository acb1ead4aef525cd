package spacy

import "math/bits"

// wordTable finds what is known of a word by the word's id. It is a hash table
// with linear probing that never changes: half the time of a Go map's, and
// nearly all words are not in it.
type wordTable struct {
	slots []int32 // by the low bits of the id: which entry; -1: free
	ids   []uint64
	words []knownWord
}

func newWordTable(known map[uint64]knownWord) wordTable {
	t := wordTable{slots: make([]int32, 2<<bits.Len(uint(len(known))))}
	for i := range t.slots {
		t.slots[i] = -1
	}
	for id, word := range known {
		i := t.slot(id)
		for t.slots[i] >= 0 {
			i = (i + 1) % uint64(len(t.slots))
		}
		t.slots[i] = int32(len(t.ids))
		t.ids, t.words = append(t.ids, id), append(t.words, word)
	}
	return t
}

// slot is where the search for an id begins. Its length is a power of two.
func (t *wordTable) slot(id uint64) uint64 { return id & uint64(len(t.slots)-1) }

// find returns what is known of the word with that id.
func (t *wordTable) find(id uint64) knownWord {
	for i := t.slot(id); ; i = (i + 1) & uint64(len(t.slots)-1) {
		entry := t.slots[i]
		if entry < 0 {
			return knownWord{}
		}
		if t.ids[entry] == id {
			return t.words[entry]
		}
	}
}
