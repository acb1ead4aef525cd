package spacy

import (
	_ "embed"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// modelDir returns the folder of the pipeline for the tests, en_core_web_sm 3.8.0.
func modelDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("NARWHAL_TEST_MODEL")
	if dir == "" {
		dir = "../../models/en_core_web_sm"
	}
	if _, err := os.Stat(filepath.Join(dir, "config.cfg")); err != nil {
		t.Fatalf("no pipeline to test with (%v): run `make model`, or set NARWHAL_TEST_MODEL to the folder of en_core_web_sm 3.8.0", err)
	}
	return dir
}

func openModel(t testing.TB, opts Options) *Pipeline {
	t.Helper()
	p, err := Open(modelDir(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// readModelFile returns a file of the pipeline in modelDir.
func readModelFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(modelDir(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// paragraph is news-like text of 206 tokens.
//
//go:embed tokenizer/testdata/paragraph.txt
var paragraph string

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
