package tokenizer

// StringID returns the id that spaCy knows a string by, as nlp.vocab.strings[s]
// does in Python.
func StringID(s string) uint64 { return stringID(s) }

// stringID returns the id that spaCy has for a string. It is 0 for the empty string, the
// number of a symbol for a symbol's name ("ORG", "mark", "X", "_" …), and the hash of
// the bytes for any other string. Some ordinary words are symbols, too: the id of
// "number" is 432.
func stringID[T string | []byte](s T) uint64 {
	if len(s) == 0 {
		return 0
	}
	h := murmur64A(s)
	// The hash is computed first, because few strings are symbols. For nearly all
	// others one look into the table shows that they are none.
	if id := symbols.find(h); id != 0 && symbols.names[id] == string(s) {
		return id
	}
	return h
}

// murmur64A returns the MurmurHash64A of s with seed 1, as spaCy hashes strings
// (murmurhash.mrmr.hash64; Austin Appleby, public domain).
func murmur64A[T string | []byte](s T) uint64 {
	const (
		seed = 1
		m    = 0xc6a4a7935bd1e995
		r    = 47
	)
	h := seed ^ uint64(len(s))*m
	for len(s) >= 8 {
		k := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		k *= m
		k ^= k >> r
		k *= m
		h = (h ^ k) * m
		s = s[8:]
	}
	if len(s) > 0 {
		var k uint64
		for i := len(s) - 1; i >= 0; i-- {
			k = k<<8 | uint64(s[i])
		}
		h = (h ^ k) * m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}
