// Package modeltest has the pipeline with which internal/model and internal/install are
// tested: as a folder, as a wheel, and as wheels that are broken.
package modeltest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Tiny has the files of a pipeline. Their contents are wrong, but neither package reads them.
var Tiny = map[string]string{
	"config.cfg":                "[nlp]\nlang = \"en\"\n",
	"meta.json":                 `{"lang":"en","name":"tiny","version":"0.1.0","license":"MIT","author":"Nobody"}`,
	"tokenizer":                 "tokens",
	"ner/model":                 "weights",
	"ner/moves":                 "moves",
	"ner/cfg":                   "{}",
	"ruler/patterns.jsonl":      "rules",
	"LICENSE":                   "do as you like",
	"vocab/lookups.bin":         "lookups",
	"vocab/key2row":             "",
	"vocab/strings.json":        "[]", // not wanted
	"tagger/model":              "weights",
	"lemmatizer/lookups/x.bin":  "x", // not wanted
	"ner/sub/model":             "x", // not wanted
	"__pycache__/x.cpython.pyc": "x", // not wanted
}

// Wanted returns the names of the files of Tiny that narwhal reads, sorted.
func Wanted() []string {
	return []string{"LICENSE", "config.cfg", "meta.json", "ner/cfg", "ner/model", "ner/moves", "ruler/patterns.jsonl", "tagger/model", "tokenizer", "vocab/key2row", "vocab/lookups.bin"}
}

// WriteDir writes files below dir and returns dir.
func WriteDir(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Zip returns a zip file with the files. prefix is put before each name.
func Zip(t *testing.T, prefix string, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(prefix + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// WriteWheel writes the zip file of Zip to a new file and returns its path.
func WriteWheel(t *testing.T, prefix string, files map[string]string) string {
	t.Helper()
	return WriteFile(t, "tiny-0.1.0-py3-none-any.whl", Zip(t, prefix, files))
}

// WriteFile writes a file of that name in a new folder and returns its path.
func WriteFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Lie returns a zip file with a pipeline. Its file ner/model has 7 bytes, but its header says
// that the file has size bytes.
func Lie(t *testing.T, size uint64) []byte {
	t.Helper()
	content := []byte("weights")
	return wrongSize(t, &zip.FileHeader{Method: zip.Store, CRC32: crc32.ChecksumIEEE(content), UncompressedSize64: size}, content)
}

// Bomb returns a zip file of some ten thousand bytes with a pipeline. Its file ner/model
// inflates to 64 MiB, but its header says that the file has 100 bytes.
func Bomb(t *testing.T) []byte {
	t.Helper()
	var deflated bytes.Buffer
	d, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return wrongSize(t, &zip.FileHeader{Method: zip.Deflate, UncompressedSize64: 100}, deflated.Bytes())
}

// wrongSize returns a zip file with a pipeline. header and content are those of its file
// ner/model.
func wrongSize(t *testing.T, header *zip.FileHeader, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"config.cfg", "tokenizer"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	header.Name, header.CompressedSize64 = "ner/model", uint64(len(content))
	w, err := z.CreateRaw(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
