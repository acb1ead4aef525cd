package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// tarOf writes an archive like the source archives of spacy package, and returns its path. It
// has the files, and entries with the other headers.
func tarOf(t *testing.T, prefix string, files map[string]string, others ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	add := func(h tar.Header, content string) {
		h.Size, h.Mode = int64(len(content)), 0o600
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range others {
		add(h, "")
	}
	for name, content := range files {
		add(tar.Header{Name: prefix + name}, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "en_tiny-0.1.0.tar.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAddTar(t *testing.T) {
	for _, prefix := range []string{"en_tiny-0.1.0/en_tiny/en_tiny-0.1.0/", "./", ""} {
		p := places(t)
		path := tarOf(t, prefix, modeltest.Tiny, tar.Header{Name: "en_tiny-0.1.0/", Typeflag: tar.TypeDir}, tar.Header{Name: "en_tiny-0.1.0/meta.json"})
		m, err := Add(p, path, "", nil)
		if err != nil {
			t.Fatalf("%q: %v", prefix, err)
		}
		if got, want := installed(t, p, "en_tiny"), modeltest.Wanted(); !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
		if info, err := os.Stat(filepath.Join(m.Path, "ner/model")); err != nil || info.Mode() != 0o644 {
			t.Errorf("ner/model is %v, %v; want one that a server of another user can read", info, err)
		}
		if _, err := p.Find(path); err == nil || !strings.Contains(err.Error(), "narwhal model add "+path) {
			t.Errorf("Find: %v", err)
		}
	}
}

// TestAddTarRefused has archives that Add refuses, such as archives with an entry that leads
// out of them or is no file. Nothing is installed.
func TestAddTarRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		other tar.Header
		want  string
	}{
		"parent":           {tar.Header{Name: "m/../../evil"}, "leads outside"},
		"parent, by a dot": {tar.Header{Name: "./../evil"}, "leads outside"},
		"absolute":         {tar.Header{Name: "/tmp/evil"}, "leads outside"},
		"link":             {tar.Header{Name: "m/ner/model", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"}, `"m/ner/model" is not a file`},
		"link inside":      {tar.Header{Name: "m/ner/moves2", Typeflag: tar.TypeSymlink, Linkname: "moves"}, "is not a file"},
		"folder as a link": {tar.Header{Name: "m/ner", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, "is not a file"},
		"hard link":        {tar.Header{Name: "m/ner/model", Typeflag: tar.TypeLink, Linkname: "../../etc/shadow"}, "is not a file"},
		"named pipe":       {tar.Header{Name: "m/ner/model", Typeflag: tar.TypeFifo}, "is not a file"},
		"device":           {tar.Header{Name: "m/ner/model", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 5}, "is not a file"},
		"twice":            {tar.Header{Name: "m/ner/model"}, "two entries"},
		"twice, by a dot":  {tar.Header{Name: "./m/ner/model"}, "two entries"},
		"two pipelines":    {tar.Header{Name: "config.cfg"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := places(t)
			others := []tar.Header{tc.other}
			if tc.want == "" {
				others, tc.want = append(others, tar.Header{Name: "tokenizer"}), "the archive has 2 pipelines (., m): unpack it"
			}
			_, err := Add(p, tarOf(t, "m/", modeltest.Tiny, others...), "", nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("add: %v, want an error with %q", err, tc.want)
			}
			if left, _ := os.ReadDir(p.User); len(left) != 0 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
	p := places(t)
	cut, err := os.ReadFile(tarOf(t, "m/", modeltest.Tiny))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.tar.gz")
	if err := os.WriteFile(path, cut[:len(cut)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(p, path, "", nil); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("add of half an archive: %v", err)
	}
	if _, err := Add(p, tarOf(t, "m/", map[string]string{"readme": ""}), "", nil); err == nil || !strings.Contains(err.Error(), "not a spaCy pipeline") {
		t.Errorf("add of another archive: %v", err)
	}
}

// TestAddTarBomb checks that an archive of a few bytes cannot fill the disk.
func TestAddTarBomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "m/ner/model", Typeflag: tar.TypeReg, Size: pipeline.MaxSize + 1}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	z.Close()
	crowd := map[string]string{}
	for i := range pipeline.MaxEntries + 1 {
		crowd[fmt.Sprint(i)] = ""
	}
	large := filepath.Join(t.TempDir(), "large.tgz")
	if err := os.WriteFile(large, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{large: "unpacks to more than", tarOf(t, "", crowd): "more than 10000 entries"} {
		if _, err := Add(places(t), path, "", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", path, err, want)
		}
	}
}
