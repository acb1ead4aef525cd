package spacy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVectorsAreScattered checks that the kernel knows how the word vectors are read: the
// flag rr of their mapping. See proc(5).
func TestVectorsAreScattered(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := small
	s.vectors = 5
	writeDir(t, dir, s.files(t, 1))
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{"vocab/vectors": true, "ner/model": false} {
		_, rest, ok := strings.Cut(string(maps), filepath.Join(dir, file)+"\n")
		_, flags, _ := strings.Cut(rest, "VmFlags:")
		flags, _, _ = strings.Cut(flags, "\n")
		if got := strings.Contains(flags+" ", " rr "); !ok || got != want {
			t.Errorf("%s is mapped %v, with the flags%s; rr is there: %v, want %v", file, ok, flags, got, want)
		}
	}
}
