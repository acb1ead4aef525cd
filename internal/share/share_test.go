package share

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func newFile(t *testing.T) *os.File {
	t.Helper()
	f, err := New("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func parts(first float32) [][]float32 {
	return [][]float32{{first, 2, 3}, {}, make([]float32, 100), {4}}
}

func TestFloatsAreEqualAlignedAndConstant(t *testing.T) {
	f := newFile(t)
	for range 2 { // the one that writes, and one that finds it written
		want := parts(1)
		got, err := Floats(f, want)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("part %d = %v, want %v", i, got[i], want[i])
			}
			if len(want[i]) == 0 {
				continue
			}
			if &got[i][0] == &want[i][0] {
				t.Errorf("part %d was not moved", i)
			}
			if at := uintptr(unsafe.Pointer(&got[i][0])); at%64 != 0 {
				t.Errorf("part %d is at %#x, want the beginning of a cache line", i, at)
			}
		}
	}
	if _, err := f.WriteAt([]byte{1}, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("a write to the sealed file gives %v, want EPERM", err)
	}
}

func TestFloatsOfAnotherModelAreRefused(t *testing.T) {
	f := newFile(t)
	if _, err := Floats(f, parts(1)); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string][][]float32{"values": parts(7), "size": append(parts(1), []float32{5})} {
		if _, err := Floats(f, other); !errors.Is(err, ErrOther) {
			t.Errorf("other %s: %v, want %v", name, err, ErrOther)
		}
	}
}

// A worker that died while it wrote has left a part, and no seal.
func TestFloatsAfterACrash(t *testing.T) {
	f := newFile(t)
	if _, err := f.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if got, err := Floats(f, parts(1)); err != nil || !slices.Equal(got[0], parts(1)[0]) {
		t.Errorf("Floats = %v, %v", got, err)
	}
}

func TestFloatsOfManyAtOnce(t *testing.T) {
	f := newFile(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			want := [][]float32{make([]float32, 1<<18)}
			for i := range want[0] {
				want[0][i] = float32(i)
			}
			if got, err := Floats(f, want); err != nil || !slices.Equal(got[0], want[0]) {
				t.Errorf("Floats: %v", err)
			}
		})
	}
	all.Wait()
}

// What one writes the other reads, and nobody can change the size.
func TestWords(t *testing.T) {
	f := newFile(t)
	a, err := Words(f, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Words(f, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got := b[999].Load(); got != 0 {
		t.Errorf("it begins with %d", got)
	}
	a[999].Store(7)
	if got := b[999].Load(); got != 7 {
		t.Errorf("the other reads %d, want 7", got)
	}
	if _, err := Words(f, 1001); !errors.Is(err, ErrOther) {
		t.Errorf("another size: %v, want %v", err, ErrOther)
	}
	if err := f.Truncate(0); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncate: %v, want EPERM", err)
	}
}

func TestWordsOfManyAtOnce(t *testing.T) {
	f := newFile(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			words, err := Words(f, 1<<16)
			if err != nil {
				t.Error(err)
				return
			}
			words[i].Add(1)
			words[1<<16-1].Add(1)
		})
	}
	all.Wait()
	words, err := Words(f, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	if got := words[1<<16-1].Load(); got != 16 {
		t.Errorf("sixteen have written %d", got)
	}
}
