package matcher

import "math/bits"

// inMapOrder returns the keys without repetitions, in the order in which the hash map of
// spaCy's PhraseMatcher (preshed) has their ids.
func inMapOrder(keys []int32, ids []uint64) []int32 {
	const free = -1
	cells := make([]int32, 8)
	for i := range cells {
		cells[i] = free
	}
	var special [2][]int32 // the ids 0 and 1 are not in the cells
	filled := 0
	var set func(key int32)
	set = func(key int32) {
		id := ids[key]
		if id < 2 {
			special[id] = []int32{key}
			return
		}
		i := id % uint64(len(cells))
		for cells[i] != free && ids[cells[i]] != id {
			i = (i + 1) % uint64(len(cells))
		}
		if cells[i] == free {
			filled++
		}
		cells[i] = key
		if (filled+1)*5 < len(cells)*3 {
			return
		}
		old := cells
		cells, filled = make([]int32, 2*len(old)), 0
		for i := range cells {
			cells[i] = free
		}
		for _, k := range old {
			if k != free {
				set(k)
			}
		}
	}
	for _, key := range keys {
		set(key)
	}
	var out []int32
	for _, k := range cells {
		if k != free {
			out = append(out, k)
		}
	}
	return append(append(out, special[0]...), special[1]...)
}

// InSetOrder returns the matches without repetitions, in the order in which a Python set
// has them after they were added one after the other. spaCy's EntityRuler keeps its matches
// in such a set, so this order decides which of two rules for the same tokens wins. ids has
// spaCy's id of each key.
//
// The order follows from CPython's hash table (Objects/setobject.c): it does not depend on
// anything random, because a match is a tuple of three integers.
func InSetOrder(matches []Match, ids []uint64) []Match {
	s := pySet{slots: make([]pySlot, 8)}
	for i, m := range matches {
		s.add(pySlot{hash: hashTuple(ids[m.Key], uint64(m.Start), uint64(m.End)), match: int32(i) + 1}, matches)
	}
	var out []Match
	for _, slot := range s.slots {
		if slot.match > 0 {
			out = append(out, matches[slot.match-1])
		}
	}
	return out
}

type pySet struct {
	slots []pySlot
	used  int
}

type pySlot struct {
	hash  uint64
	match int32 // 1 more than its index; 0: the slot is free
}

// add adds a match, unless an equal one is there.
func (s *pySet) add(x pySlot, matches []Match) {
	free := s.find(x.hash, func(old pySlot) bool { return old.hash == x.hash && matches[old.match-1] == matches[x.match-1] })
	if free == nil {
		return
	}
	*free = x
	s.used++
	mask := len(s.slots) - 1
	if s.used*5 < mask*3 {
		return
	}
	room := s.used * 4
	if s.used > 50_000 {
		room = s.used * 2
	}
	size := 8
	for size <= room {
		size *= 2
	}
	old := s.slots
	s.slots = make([]pySlot, size)
	for _, slot := range old {
		if slot.match > 0 {
			*s.find(slot.hash, func(pySlot) bool { return false }) = slot
		}
	}
}

// find returns the free slot for a hash, or nil if same is true for a slot before it.
func (s *pySet) find(hash uint64, same func(pySlot) bool) *pySlot {
	const probes, shift = 9, 5
	mask := uint64(len(s.slots) - 1)
	perturb, i := hash, hash&mask
	for {
		last := i
		if i+probes <= mask {
			last = i + probes
		}
		for at := i; at <= last; at++ {
			slot := &s.slots[at]
			if slot.match == 0 {
				return slot
			}
			if same(*slot) {
				return nil
			}
		}
		perturb >>= shift
		i = (i*5 + 1 + perturb) & mask
	}
}

// hashTuple returns Python's hash of a tuple of integers that are not negative.
func hashTuple(items ...uint64) uint64 {
	const (
		prime1 = 11400714785074694791
		prime2 = 14029467366897019727
		prime5 = 2870177450012600261
		intMod = 1<<61 - 1 // the hash of an integer is its remainder
	)
	acc := uint64(prime5)
	for _, x := range items {
		acc += x % intMod * prime2
		acc = bits.RotateLeft64(acc, 31) * prime1
	}
	acc += uint64(len(items)) ^ (prime5 ^ 3527539)
	if acc == 1<<64-1 { // Python keeps -1 for errors
		return 1546275796
	}
	return acc
}
