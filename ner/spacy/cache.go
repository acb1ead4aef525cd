package spacy

import (
	"hash/crc32"
	"math"
	"math/bits"
	"sync/atomic"
)

// typeCache remembers the embeddings of token types. A type is a combination of ids.
// Its embedding is the vector that the mix layer computes from these ids. An
// embedding does not depend on the text around the token. A text of 200 tokens finds
// three quarters or more of its types here.
//
// The cache holds whole results of the same kernel, so an answer does not depend on
// what it holds. Its memory never grows. A new entry replaces another entry of its
// set: the first one that was not used since the hand last passed (the clock
// algorithm).
//
// The cache consists of words that are read and written atomically, so several
// processes can use the same memory (Pipeline.ShareCache). It has no locks, because
// a process could die while it holds one. Instead every entry has a version, as in a
// seqlock. The version is odd while a writer changes the entry. A reader compares
// the version before and after it reads. If a writer dies, its entry's version stays
// odd, and the entry is never used again.
//
//	a set:    [clock] [version of each way] [entry of each way]
//	clock     bit w: way w was used; from bit 8: the hand
//	version   high half: part of the hash; low half: counts up, 0 is free
//	entry     keyLen ids, the vector with two values in a word
type typeCache struct {
	keyLen, width int
	sets          int // a power of two
	words         []atomic.Uint64
}

const cacheWays = 8 // entries of a set

// newTypeCache returns a cache for at least the given number of entries. If that is
// 0 or less, it returns nil. A nil *typeCache is valid: it never finds anything.
func newTypeCache(entries, keyLen, width int) *typeCache {
	if entries <= 0 {
		return nil
	}
	c := &typeCache{keyLen: keyLen, width: width, sets: 1 << bits.Len(uint((entries-1)/cacheWays))}
	// Pages of c.words take no memory before an entry is written to them.
	c.words = make([]atomic.Uint64, c.size())
	return c
}

// entryWords, setWords and size return the length in words of an entry, of a set and
// of the whole cache.
func (c *typeCache) entryWords() int { return c.keyLen + (c.width+1)/2 }
func (c *typeCache) setWords() int   { return 1 + cacheWays*(1+c.entryWords()) }
func (c *typeCache) size() int       { return c.sets * c.setWords() }

// hashKey returns the hash of a key. Its low bits choose the set.
func hashKey(key []uint64) uint64 {
	var h uint64
	for _, id := range key {
		h = bits.RotateLeft64(h^id, 27) * 0x9e3779b97f4a7c15
	}
	return mix64(h)
}

// place returns the set of a hash, and the part of the hash that the version of an
// entry contains.
func (c *typeCache) place(hash uint64) (set cacheSet, tag uint64) {
	n := c.setWords()
	return cacheSet(c.words[int(hash&uint64(c.sets-1))*n:][:n]), hash>>32 | 1
}

type cacheSet []atomic.Uint64

func (s cacheSet) clock() *atomic.Uint64          { return &s[0] }
func (s cacheSet) version(way int) *atomic.Uint64 { return &s[1+way] }

func (c *typeCache) entry(s cacheSet, way int) (key, vec []atomic.Uint64) {
	n := c.entryWords()
	e := s[1+cacheWays+way*n:][:n]
	return e[:c.keyLen], e[c.keyLen:]
}

// get copies the vector of a key to dst and reports whether the cache has it. It
// also returns false if the entry is written meanwhile. dst is then undefined.
func (c *typeCache) get(dst []float32, key []uint64, hash uint64) bool {
	if c == nil {
		return false
	}
	s, tag := c.place(hash)
	for way := range cacheWays {
		version := s.version(way).Load()
		if version>>32 != tag || version&1 != 0 {
			continue
		}
		k, vec := c.entry(s, way)
		if !equalWords(k, key) {
			continue
		}
		loadWords(dst, vec)
		if s.version(way).Load() != version { // another writer has changed the entry meanwhile
			return false
		}
		if used := uint64(1) << way; s.clock().Load()&used == 0 {
			s.clock().Or(used)
		}
		return true
	}
	return false
}

// put stores the vector of a key. It does nothing if the entry that it would replace
// is being written. If two callers put the same key at once, the cache may hold it
// twice until one entry is replaced.
func (c *typeCache) put(key []uint64, hash uint64, vec []float32) {
	if c == nil {
		return
	}
	s, tag := c.place(hash)
	way := s.free()
	version := s.version(way).Load()
	if version&1 != 0 || !s.version(way).CompareAndSwap(version, version|1) {
		return // another writer has this entry
	}
	k, v := c.entry(s, way)
	for i, id := range key {
		k[i].Store(id)
	}
	storeWords(v, vec)
	s.version(way).Store(tag<<32 | uint64(uint32(version)+2))
}

// free returns the way that the next entry of the set overwrites: one that was never
// written, or else the one that the clock algorithm finds.
func (s cacheSet) free() int {
	for way := range cacheWays {
		if s.version(way).Load() == 0 {
			return way
		}
	}
	clock := s.clock().Load()
	hand := int(clock >> 8 % cacheWays)
	for range 2 * cacheWays {
		way := hand
		hand = (hand + 1) % cacheWays
		used := uint64(1) << way
		if clock&used == 0 && s.version(way).Load()&1 == 0 {
			break
		}
		clock &^= used
	}
	s.clock().Store(clock&(1<<cacheWays-1) | uint64(hand)<<8)
	return (hand + cacheWays - 1) % cacheWays
}

func equalWords(words []atomic.Uint64, key []uint64) bool {
	for i := range words {
		if words[i].Load() != key[i] {
			return false
		}
	}
	return true
}

// storeWords copies x to words, two values to a word. loadWords copies them back.
func storeWords(words []atomic.Uint64, x []float32) {
	for i := range words {
		w := uint64(math.Float32bits(x[2*i]))
		if 2*i+1 < len(x) {
			w |= uint64(math.Float32bits(x[2*i+1])) << 32
		}
		words[i].Store(w)
	}
}

func loadWords(x []float32, words []atomic.Uint64) {
	for len(x) >= 2 && len(words) > 0 {
		w := words[0].Load()
		x[0], x[1] = math.Float32frombits(uint32(w)), math.Float32frombits(uint32(w>>32))
		x, words = x[2:], words[1:]
	}
	if len(x) > 0 {
		x[0] = math.Float32frombits(uint32(words[0].Load()))
	}
}

// ShareCache moves the pipeline's cache to memory that several processes can use at
// once. It calls place with the number of words that it needs, CacheWords. place
// returns that memory, which is zero before the first pipeline uses it. All pipelines
// that use the memory must have equal packed weights and an equal Sum, and nothing
// else may write to it. If place fails, ShareCache returns its error, and the pipeline
// keeps its own memory. A pipeline without a cache does not call place. No other
// method may run meanwhile.
func (p *Pipeline) ShareCache(place func(words int) ([]atomic.Uint64, error)) error {
	size := p.CacheWords()
	if size == 0 {
		return nil
	}
	words, err := place(size)
	if err != nil {
		return err
	}
	for _, t := range p.networks() {
		if t.cache != nil {
			n := t.cache.size()
			t.cache.words, words = words[:n:n], words[n:]
		}
	}
	return nil
}

// CacheWords returns the number of words of the pipeline's cache, 0 without a cache.
func (p *Pipeline) CacheWords() int {
	size := 0
	for _, t := range p.networks() {
		if t.cache != nil {
			size += t.cache.size()
		}
	}
	return size
}

// Sum returns a checksum of the tables that the packed weights do not contain: all
// hash tables, and parts of the word vectors. Pipelines with equal packed weights and
// an equal sum may share a cache.
func (p *Pipeline) Sum() uint32 {
	sum := uint32(0)
	add := func(b []byte) { sum = crc32.Update(sum, castagnoli, b) }
	for _, t := range p.networks() {
		for _, table := range t.tables {
			add(table.data)
		}
		if t.chars != nil {
			add(t.chars.data)
		}
		if t.static != nil {
			// Read at most about 256 parts, evenly spread: all word vectors
			// together may have half a gigabyte.
			data := t.static.vectors.data
			const part = 4096
			for at, step := 0, max(part, len(data)/256); at < len(data); at += step {
				add(data[at:min(at+part, len(data))])
			}
		}
	}
	return sum
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
