package pipeline

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzTar checks that Untar writes only below the folder, and only regular files and
// folders, whatever the archive has. The pipeline's folder is there, too.
func FuzzTar(f *testing.F) {
	for _, headers := range [][]tar.Header{
		{{Name: "m/config.cfg", Typeflag: tar.TypeReg}, {Name: "m/tokenizer", Typeflag: tar.TypeReg}, {Name: "m/ner/model", Typeflag: tar.TypeReg}},
		{{Name: "../config.cfg", Typeflag: tar.TypeReg}},
		{{Name: "/m/meta.json", Typeflag: tar.TypeReg}},
		{{Name: "ner", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "ner/model", Typeflag: tar.TypeReg}},
		{{Name: "ner/model", Typeflag: tar.TypeLink, Linkname: "x"}},
	} {
		var b, z bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				f.Fatal(err)
			}
		}
		w.Close()
		f.Add(b.Bytes())
		gz := gzip.NewWriter(&z)
		gz.Write(b.Bytes())
		gz.Close()
		f.Add(z.Bytes())
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		folder, err := Untar(bytes.NewReader(archive), dir)
		if err == nil {
			rel, err := filepath.Rel(dir, folder)
			if err != nil || !filepath.IsLocal(rel) || Check(Dir(folder)) != nil {
				t.Errorf("the pipeline is in %s, %v, %v", folder, err, Check(Dir(folder)))
			}
		}
		if beside, err := os.ReadDir(parent); err != nil || len(beside) != 1 {
			t.Errorf("beside the folder there is %v, %v", beside, err)
		}
		if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !e.Type().IsRegular() {
				t.Errorf("%s is %v", path, e.Type())
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestCapped has headers that archive/tar skips: they are in no entry, but take time.
func TestCapped(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: strings.Repeat("long/", 60) + "config.cfg", Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	c := &capped{bytes.NewReader(b.Bytes()), 600}
	if _, err := tar.NewReader(c).Next(); err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
		t.Errorf("a header of %d bytes, and at most 600: %v", b.Len(), err)
	}
	all := &capped{bytes.NewReader(b.Bytes()), int64(b.Len() + 1)}
	if got, err := io.ReadAll(all); err != nil || len(got) != b.Len() {
		t.Errorf("read %d bytes of %d: %v", len(got), b.Len(), err)
	}
}
