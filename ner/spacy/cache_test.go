package spacy

import (
	"slices"
	"sync"
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

// TestCacheComparesKeys: keys with one hash are told apart.
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

// TestCacheKeepsWhatIsUsed: a stream of new keys throws out those that nobody
// asks for, not those that are asked for all the time.
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

// TestCacheSizes: the entries asked for are there.
func TestCacheSizes(t *testing.T) {
	for _, entries := range []int{1, 512, 513, 4096, 100_000} {
		c := newTypeCache(entries, 1, 1)
		if got := len(c.shards) * len(c.shards[0].sets) * cacheWays; got < entries || got > 2*max(entries, 512) {
			t.Errorf("a cache of %d has %d entries", entries, got)
		}
	}
}

// TestCacheConcurrently is for the race detector.
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
