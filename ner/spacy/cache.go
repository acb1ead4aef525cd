package spacy

import (
	"math/bits"
	"slices"
	"sync"
)

// typeCache remembers the embeddings of token types: the vector that the mix
// layer gives for a combination of ids, which does not depend on the text
// around it. A text of 200 tokens finds three quarters or more of its types
// here.
//
// What is kept are whole results of the same kernel, so an answer does not
// depend on what the cache holds. Its memory is fixed when it is made: an
// entry replaces another one of its set, the first that was not used since the
// hand last passed (the clock algorithm). Each shard has a lock of its own, held
// while one vector is copied.
type typeCache struct {
	keyLen, width int
	shards        []cacheShard
}

const (
	cacheShards = 64 // so that goroutines rarely meet at a lock
	cacheWays   = 8  // entries of a set
)

type cacheShard struct {
	mu   sync.Mutex
	sets []cacheSet
	keys []uint64  // [sets][ways][keyLen]
	vecs []float32 // [sets][ways][width]
	_    [64]byte  // the next shard's lock is in another cache line
}

type cacheSet struct {
	tags [cacheWays]uint32 // part of the hash; 0: the entry is free
	used [cacheWays]bool
	hand uint8
}

// newTypeCache makes a cache of at least entries, or nil, which never finds
// anything, for none.
func newTypeCache(entries, keyLen, width int) *typeCache {
	if entries <= 0 {
		return nil
	}
	c := &typeCache{keyLen: keyLen, width: width, shards: make([]cacheShard, cacheShards)}
	perShard := (entries + cacheShards*cacheWays - 1) / (cacheShards * cacheWays)
	sets := 1 << bits.Len(uint(perShard-1)) // a power of two
	ways := sets * cacheWays
	// One allocation for all: pages that no entry has been written to take no
	// memory.
	keys := make([]uint64, cacheShards*ways*keyLen)
	vecs := make([]float32, cacheShards*ways*width)
	for i := range c.shards {
		c.shards[i].sets = make([]cacheSet, sets)
		c.shards[i].keys = keys[i*ways*keyLen:][: ways*keyLen : ways*keyLen]
		c.shards[i].vecs = vecs[i*ways*width:][: ways*width : ways*width]
	}
	return c
}

// hashKey mixes the ids of a key: its high bits choose the shard, its low bits
// the set.
func hashKey(key []uint64) uint64 {
	var h uint64
	for _, id := range key {
		h = bits.RotateLeft64(h^id, 27) * 0x9e3779b97f4a7c15
	}
	return mix64(h)
}

// place returns the shard of a hash, the set within it, and the tag.
func (c *typeCache) place(hash uint64) (*cacheShard, int, uint32) {
	s := &c.shards[hash>>58]
	return s, int(hash) & (len(s.sets) - 1), uint32(hash>>24) | 1
}

// get copies the vector of a key to dst, if it is known.
func (c *typeCache) get(dst []float32, key []uint64, hash uint64) bool {
	if c == nil {
		return false
	}
	s, set, tag := c.place(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	for way, t := range s.sets[set].tags {
		if t != tag {
			continue
		}
		i := set*cacheWays + way
		if slices.Equal(s.keys[i*c.keyLen:][:c.keyLen], key) {
			s.sets[set].used[way] = true
			copy(dst, s.vecs[i*c.width:][:c.width])
			return true
		}
	}
	return false
}

// put remembers the vector of a key. Two goroutines may put the same one; then
// it is there twice until one of them is replaced.
func (c *typeCache) put(key []uint64, hash uint64, vec []float32) {
	if c == nil {
		return
	}
	s, set, tag := c.place(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	way := s.sets[set].free()
	s.sets[set].tags[way] = tag
	i := set*cacheWays + way
	copy(s.keys[i*c.keyLen:][:c.keyLen], key)
	copy(s.vecs[i*c.width:][:c.width], vec)
}

// free returns the way to overwrite.
func (s *cacheSet) free() int {
	for way, tag := range s.tags {
		if tag == 0 {
			return way
		}
	}
	for {
		way := int(s.hand)
		s.hand = (s.hand + 1) % cacheWays
		if !s.used[way] {
			return way
		}
		s.used[way] = false
	}
}
