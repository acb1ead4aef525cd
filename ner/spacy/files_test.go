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

// writeDir writes files below dir.
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

// wheel packs files into a zip, below a folder.
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

// TestOpenPlaces opens one pipeline from everywhere it may be.
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
		for range 2 { // the second time there is nothing to do
			if err := p.Close(); err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
		}
		if len(ents) > 0 && ents[0] != wantEnts[0] { // they outlive the pipeline
			t.Errorf("%s: after Close the first entity is %v", name, ents[0])
		}
	}
}

// TestOpenStaysInside: no file outside of a pipeline's folder is read, and
// nothing is waited for, whatever lies in the folder.
func TestOpenStaysInside(t *testing.T) {
	files := small.files(t, 1)
	outside := filepath.Join(t.TempDir(), "outside")
	writeDir(t, outside, files)
	replace := func(name string, by func(path string) error) string {
		dir := t.TempDir()
		writeDir(t, dir, files)
		path := filepath.Join(dir, name)
		if err := errors.Join(os.RemoveAll(path), by(path)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	link := func(to string) func(string) error { return func(path string) error { return os.Symlink(to, path) } }
	pkg := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(pkg, "tiny-0.1")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, want string }{
		"file":      {replace("ner/model", link(filepath.Join(outside, "ner/model"))), "ner/model is, or lies behind, a link that leads out of"},
		"folder":    {replace("ner", link(filepath.Join(outside, "ner"))), "a link that leads out of"},
		"config":    {replace("config.cfg", link(filepath.Join(outside, "config.cfg"))), "no config.cfg in it"},
		"device":    {replace("tokenizer", link("/dev/zero")), "a link that leads out of"},
		"pipe":      {replace("ner/model", mkfifo), "not a regular file"},
		"a package": {pkg, "no config.cfg in it"},
		"no wheel":  {filepath.Join(replace("x.whl", mkfifo), "x.whl"), "not a regular file"},
	} {
		if _, err := Open(c.dir, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	// Links that stay inside are followed.
	dir := replace("ner/model", link("../blob"))
	writeDir(t, dir, map[string][]byte{"blob": files["ner/model"]})
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
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
		"two.whl":      wheel(t, "", map[string][]byte{"a/config.cfg": {1}, "b/config.cfg": {1}}, zip.Store),
		"cut.whl":      wheel(t, "tiny/", map[string][]byte{"config.cfg": files["config.cfg"]}, zip.Store),
		"nothing.whl":  nil,
		"d/config.cfg": []byte("[nlp]\nlang = \"de\"\n"),
	})
	for name, want := range map[string]string{
		"absent":      "no such file or directory",
		"none":        "no config.cfg in it: want the folder of a spaCy 3 pipeline",
		"two":         "2 pipelines in it: name one of " + filepath.Join(tmp, "two", "a"),
		"text.whl":    "not a wheel: ",
		"nothing.whl": "not a wheel: ",
		"empty.whl":   "0 config.cfg in the wheel",
		"two.whl":     "2 config.cfg in the wheel",
		"cut.whl":     "read meta.json: file does not exist",
		"d":           `config.cfg: the pipeline's language is "de"`,
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

// TestOpenBytesInPlace: of a stored wheel the tables are not copied.
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

// TestLyingZip: a stored member that claims to be longer than the file.
func TestLyingZip(t *testing.T) {
	data := wheel(t, "tiny/", map[string][]byte{"config.cfg": []byte("[nlp]\n")}, zip.Store)
	// The size stands in the central directory, after its signature.
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	copy(data[at+20:], "\xff\xff\xff\x7f\xff\xff\xff\x7f")
	if _, err := OpenBytes(data, Options{}); err == nil || !strings.Contains(err.Error(), "config.cfg: unexpected EOF") {
		t.Errorf("error %v, want unexpected EOF", err)
	}
}
