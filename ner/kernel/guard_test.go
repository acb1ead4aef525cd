//go:build unix

package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// forEachVariant runs test once for every variant that this machine can run. It logs the
// others. With KERNEL_REQUIRE=avx512,avx2 the test fails if one of these cannot run, for CI
// machines that are known to have them.
func forEachVariant(t *testing.T, test func(t *testing.T)) {
	here := Variants()
	for _, name := range names {
		if !slices.Contains(here, name) {
			t.Logf("variant %s is not available here and was not tested", name)
			if slices.Contains(strings.Split(os.Getenv("KERNEL_REQUIRE"), ","), name) {
				t.Errorf("KERNEL_REQUIRE asks for %s; available: %v", name, here)
			}
		}
	}
	for _, name := range here {
		t.Run(name, func(t *testing.T) {
			use(t, name)
			test(t)
		})
	}
}

// use sets the variant for the rest of the test.
func use(t testing.TB, name string) {
	t.Helper()
	restore, err := SetVariant(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(restore)
}

// guardWord is a NaN that no kernel computes. If a kernel reads it, the result is wrong. If
// a kernel overwrites it, release finds that.
const guardWord = 0x7fc0dead

func isGuard(v float32) bool { return math.Float32bits(v) == guardWord }

// guard makes slices for tests. An unreadable page follows each slice, so a read or a write
// after its end is a fault. Guard words are before each slice.
type guard struct {
	t     testing.TB
	pages []guardedPages
}

type guardedPages struct {
	mem    []byte
	before int // number of bytes before the slice
}

// bytes returns n bytes with guards before and after them.
func (g *guard) bytes(n int) []byte {
	g.t.Helper()
	page := os.Getpagesize()
	size := (n+256+page-1)/page*page + page
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		g.t.Fatalf("map %d bytes: %v", size, err)
	}
	end := size - page
	if err := syscall.Mprotect(mem[end:], syscall.PROT_NONE); err != nil {
		g.t.Fatalf("protect the last of %d bytes: %v", size, err)
	}
	g.pages = append(g.pages, guardedPages{mem, end - n})
	words := floatsOf(mem[:end])
	for i := range words {
		words[i] = math.Float32frombits(guardWord)
	}
	return mem[end-n : end : end]
}

// floats returns n guard words with guards before and after them.
func (g *guard) floats(n int) []float32 { return floatsOf(g.bytes(4 * n)) }

// random returns n floats with a standard normal distribution, with guards before and after
// them.
func (g *guard) random(r *rand.Rand, n int) []float32 {
	return fillRandom(r, g.floats(n))
}

func fillRandom(r *rand.Rand, s []float32) []float32 {
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// release checks the guard words and unmaps the slices.
func (g *guard) release() {
	g.t.Helper()
	for _, p := range g.pages {
		for i, v := range floatsOf(p.mem[:p.before&^3]) {
			if !isGuard(v) {
				g.t.Errorf("guard word %d bytes before a slice is overwritten with %v", p.before-4*i, v)
				break
			}
		}
		if err := syscall.Munmap(p.mem); err != nil {
			g.t.Errorf("unmap: %v", err)
		}
	}
	g.pages = nil
}

func floatsOf(b []byte) []float32 {
	if len(b) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// firstDifference returns the first index at which the bits differ, or -1.
func firstDifference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// newRand returns a source that has the same numbers in every run.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
