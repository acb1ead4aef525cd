package spacy

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// writeDir writes files into dir and folders in it.
func writeDir(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// wheel returns a zip file that has the files in the folder dir.
func wheel(t testing.TB, dir string, files map[string][]byte, method uint16) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, data := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: dir + name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOpenPlaces opens the same pipeline from every kind of place.
func TestOpenPlaces(t *testing.T) {
	files := small.files(t, 1)
	tmp := t.TempDir()
	writeDir(t, filepath.Join(tmp, "plain"), files)
	writeDir(t, filepath.Join(tmp, "package", "tiny-0.1"), files)
	writeDir(t, filepath.Join(tmp, "unpacked", "tiny", "tiny-0.1"), files)
	for name, method := range map[string]uint16{"packed.whl": zip.Deflate, "stored.whl": zip.Store} {
		writeDir(t, tmp, map[string][]byte{name: wheel(t, "tiny/tiny-0.1/", files, method)})
	}
	const text = "Tim Cook isn't in Paris."
	want, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantEnts, err := want.Entities(t.Context(), text)
	if err != nil || len(wantEnts) == 0 {
		t.Fatalf("entities %v, %v", wantEnts, err)
	}
	for _, name := range []string{"plain", "package", "unpacked", "packed.whl", "stored.whl"} {
		p, err := Open(filepath.Join(tmp, name), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ents, err := p.Entities(t.Context(), text)
		if err != nil || len(ents) != len(wantEnts) || p.Meta().Name != "tiny" {
			t.Errorf("%s: entities %v of %q, %v; want %v", name, ents, p.Meta().Name, err, wantEnts)
		}
		for range 2 { // the second Close does nothing
			if err := p.Close(); err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
		}
		if len(ents) > 0 && ents[0] != wantEnts[0] { // entities stay valid after Close
			t.Errorf("%s: after Close the first entity is %v", name, ents[0])
		}
	}
}

func TestOpenErrors(t *testing.T) {
	files := small.files(t, 1)
	tmp := t.TempDir()
	writeDir(t, filepath.Join(tmp, "two", "a"), files)
	writeDir(t, filepath.Join(tmp, "two", "b"), files)
	writeDir(t, tmp, map[string][]byte{
		"none/readme":  []byte("nothing here"),
		"text.whl":     []byte("this is no zip file, but it is longer than the end of one"),
		"empty.whl":    wheel(t, "", nil, zip.Store),
		"two.whl":      wheel(t, "", map[string][]byte{"a/config.cfg": {1}, "a/tokenizer": {1}, "b/config.cfg": {1}, "b/tokenizer": {1}}, zip.Store),
		"cut.whl":      wheel(t, "tiny/", map[string][]byte{"config.cfg": files["config.cfg"], "tokenizer": {1}}, zip.Store),
		"nothing.whl":  nil,
		"x.tar":        append(make([]byte, 257), "ustar\x0000"...),
		"d/config.cfg": []byte("[nlp]\nlang = \"qqq\"\n"),
	})
	for name, want := range map[string]string{
		"absent":      "no such file or directory",
		"none":        "no config.cfg in it: want the folder of a spaCy 3 pipeline",
		"two":         "2 pipelines in it: name one of " + filepath.Join(tmp, "two", "a"),
		"text.whl":    "not a wheel: ",
		"nothing.whl": "not a wheel: ",
		"empty.whl":   "not a spaCy pipeline: the archive has no folder with a config.cfg, and a tokenizer or a meta.json",
		"two.whl":     "the archive has 2 pipelines (a, b): unpack it, and name the folder of one of them",
		"x.tar":       "a tar archive cannot be read in place: unpack it, or install it with narwhal model add",
		"cut.whl":     "read meta.json: open meta.json: file does not exist",
		"d":           `config.cfg: the pipeline's language is "qqq"`,
	} {
		path := filepath.Join(tmp, name)
		_, err := Open(path, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "open pipeline "+path+": "+want) {
			t.Errorf("%s: %v, want %s…", name, err, want)
		}
	}
	if _, err := Open(filepath.Join(tmp, "absent"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent pipeline is not fs.ErrNotExist: %v", err)
	}
	if _, err := OpenBytes([]byte("no zip"), Options{}); err == nil || !strings.HasPrefix(err.Error(), "open pipeline: not a wheel: ") {
		t.Errorf("bytes that are no zip: %v", err)
	}
}

// TestOpenBytesInPlace checks that the tables of a wheel without compression are not
// copied.
func TestOpenBytesInPlace(t *testing.T) {
	s := small
	s.rows = []int{200_000, 20} // 6.4 MB
	files := s.files(t, 1)
	data := wheel(t, "tiny/", files, zip.Store)
	clear(files)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := OpenBytes(data, Options{CacheEntries: -1})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5<<20 {
		t.Errorf("%d bytes were allocated for a wheel of %d", n, len(data))
	}
	if _, err := p.Entities(t.Context(), "Tim Cook isn't in Paris."); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// TestLyingZip opens a zip file with a stored member that claims to be longer than the
// file.
func TestLyingZip(t *testing.T) {
	data := wheel(t, "tiny/", map[string][]byte{"tokenizer": {1}, "config.cfg": []byte("[nlp]\n")}, zip.Store)
	// The sizes are in the central directory, 20 bytes after its signature begins.
	for at := range data {
		if bytes.HasPrefix(data[at:], []byte("PK\x01\x02")) {
			copy(data[at+20:], "\xff\xff\xff\x3f\xff\xff\xff\x3f")
		}
	}
	if _, err := OpenBytes(data, Options{}); err == nil || !strings.Contains(err.Error(), "config.cfg: the archive ends in the middle of it") {
		t.Errorf("error %v, want one that the archive is too short", err)
	}
}
