package spacy

import (
	"os"
	"path/filepath"
	"testing"
)

// modelDir is the pipeline the tests run: en_core_web_sm 3.8.0.
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
