package spacy

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCacheRemembers(t *testing.T) {
	c := newTypeCache(1000, 2, 3)
	if c.get(make([]float32, 3), []uint64{1, 2}, hashKey([]uint64{1, 2})) {
		t.Error("an empty cache knows a key")
	}
	for i := range uint64(500) {
		key := []uint64{i, i * i}
		c.put(key, hashKey(key), []float32{float32(i), 1, -1})
	}
	known := 0
	for i := range uint64(500) {
		key, got := []uint64{i, i * i}, make([]float32, 3)
		if c.get(got, key, hashKey(key)) {
			known++
			if want := []float32{float32(i), 1, -1}; !slices.Equal(got, want) {
				t.Fatalf("key %v has %v, want %v", key, got, want)
			}
		}
	}
	if known < 495 {
		t.Errorf("%d of 500 keys are known in a cache of 1000", known)
	}
}

// TestCacheComparesKeys checks that the cache tells keys with the same hash apart.
func TestCacheComparesKeys(t *testing.T) {
	c := newTypeCache(1, 1, 1)
	c.put([]uint64{1}, 42, []float32{1})
	c.put([]uint64{2}, 42, []float32{2})
	got := make([]float32, 1)
	for _, want := range []float32{1, 2} {
		if !c.get(got, []uint64{uint64(want)}, 42) || got[0] != want {
			t.Errorf("key %v has %v", want, got)
		}
	}
	if c.get(got, []uint64{3}, 42) {
		t.Error("a key that was never put is known by its hash")
	}
}

// TestCacheKeepsWhatIsUsed checks that new keys replace keys that are not looked up,
// and not those that are looked up all the time.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newTypeCache(512, 1, 1)
	got := make([]float32, 1)
	hits := 0
	for i := range uint64(20_000) {
		fresh := []uint64{1000 + i}
		c.put(fresh, hashKey(fresh), []float32{0})
		key := []uint64{i % 100}
		if c.get(got, key, hashKey(key)) {
			hits++
		} else {
			c.put(key, hashKey(key), []float32{1})
		}
	}
	if hits < 17_000 {
		t.Errorf("%d of 20,000 requests for 100 keys were hits", hits)
	}
}

func TestNoCache(t *testing.T) {
	c := newTypeCache(-1, 1, 1)
	c.put([]uint64{1}, 1, []float32{1})
	if c.get(make([]float32, 1), []uint64{1}, 1) {
		t.Error("no cache remembers a key")
	}
}

// TestCacheSizes checks that a cache has at least as many entries as asked for, and at
// most twice as many.
func TestCacheSizes(t *testing.T) {
	for _, entries := range []int{1, 512, 513, 4096, 100_000} {
		c := newTypeCache(entries, 1, 1)
		if got := c.sets * cacheWays; got < entries || got > 2*max(entries, cacheWays) {
			t.Errorf("a cache of %d has %d entries", entries, got)
		}
	}
}

// TestCacheConcurrently uses one cache from several goroutines. Run it with -race.
func TestCacheConcurrently(t *testing.T) {
	c := newTypeCache(64, 2, 8)
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			got, vec := make([]float32, 8), make([]float32, 8)
			for i := range uint64(20_000) {
				key := []uint64{i * (g + 1) % 997, 7}
				if !c.get(got, key, hashKey(key)) {
					for k := range vec {
						vec[k] = float32(key[0])
					}
					c.put(key, hashKey(key), vec)
					continue
				}
				for _, v := range got {
					if v != float32(key[0]) {
						t.Errorf("key %v has %v", key, got)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestCacheSurvivesAWriter checks an entry whose writer died while it wrote. The entry
// is neither found nor written again, and the rest of its set works.
func TestCacheSurvivesAWriter(t *testing.T) {
	c := newTypeCache(cacheWays, 1, 1)
	c.put([]uint64{1}, 1, []float32{1})
	s, _ := c.place(1)
	s.version(0).Or(1)
	got := make([]float32, 1)
	if c.get(got, []uint64{1}, 1) {
		t.Error("an entry is given that is being written")
	}
	for i := range uint64(100) {
		key := []uint64{i}
		c.put(key, i, []float32{float32(i)})
		if !c.get(got, key, i) || got[0] != float32(i) {
			t.Fatalf("key %d was put and is not known", i)
		}
	}
	if k, _ := c.entry(s, 0); k[0].Load() != 1 {
		t.Error("two write one entry")
	}
	for way := range cacheWays {
		s.version(way).Or(1)
	}
	c.put([]uint64{7}, 7, []float32{7}) // it does nothing: every entry is being written
}

// TestShareCache lets two pipelines share one cache. The second one finds the types
// that the first one has stored, and the answers do not change.
func TestShareCache(t *testing.T) {
	a, b := openModel(t, Options{}), openModel(t, Options{})
	want, err := a.Entities(t.Context(), paragraph)
	if err != nil {
		t.Fatal(err)
	}
	if a.Sum() != b.Sum() {
		t.Fatalf("equal pipelines have the sums %x and %x", a.Sum(), b.Sum())
	}
	var memory []atomic.Uint64
	place := func(n int) ([]atomic.Uint64, error) {
		if memory == nil {
			memory = make([]atomic.Uint64, n)
		}
		return memory, nil
	}
	for _, p := range []*Pipeline{a, b} {
		if err := p.ShareCache(place); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Entities(t.Context(), paragraph); err != nil {
		t.Fatal(err)
	}
	known := entriesOf(a)
	if known < 100 {
		t.Errorf("the shared memory has %d entries, want at least 100", known)
	}
	got, err := b.Entities(t.Context(), paragraph)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("with a shared cache: %v, %v; want %v", got, err, want)
	}
	if n := entriesOf(b); n != known {
		t.Errorf("the other made %d entries of %d, though it met no new types", n, known)
	}
	broken := errors.New("no memory")
	if err := b.ShareCache(func(int) ([]atomic.Uint64, error) { return nil, broken }); err != broken {
		t.Errorf("ShareCache: %v, want %v", err, broken)
	}
	if got, err := b.Entities(t.Context(), paragraph); err != nil || !slices.Equal(got, want) {
		t.Errorf("after that: %v, %v; want %v", got, err, want)
	}
}

// entriesOf returns how often entries of the pipeline's caches were written.
func entriesOf(p *Pipeline) (n int) {
	for _, t := range p.networks() {
		for i := range t.cache.sets {
			s, _ := t.cache.place(uint64(i))
			for way := range cacheWays {
				n += int(uint32(s.version(way).Load()) / 2)
			}
		}
	}
	return n
}

// TestSum checks that Sum changes when one bit of a table changes.
func TestSum(t *testing.T) {
	a, b := openModel(t, Options{}), openModel(t, Options{})
	table := &b.ner.tok2vec.tables[0]
	table.data = append([]byte(nil), table.data...)
	table.data[len(table.data)/2] ^= 1
	if a.Sum() == b.Sum() {
		t.Error("a bit of a table was changed, and the sum is the same")
	}
}
