package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// TestDirLeadsOutside has folders of untrusted pipelines. No file outside of the folder is
// read or copied, and nothing blocks, whatever the folder has.
func TestDirLeadsOutside(t *testing.T) {
	secrets := modeltest.WriteDir(t, t.TempDir(), map[string]string{"shadow": "root:secret", "ner/model": "root:secret", "config.cfg": "", "tokenizer": ""})
	link := func(target, name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		}
	}
	up := strings.Repeat("../", 30)
	for name, tc := range map[string]struct {
		make func(*testing.T, string)
		file string // the file that cannot be read
		want string
	}{
		"absolute link":       {link(filepath.Join(secrets, "shadow"), "ner/model"), "ner/model", "leads out of"},
		"relative link":       {link(up+secrets+"/shadow", "ner/model"), "ner/model", "leads out of"},
		"link to a neighbour": {link("../../outside", "ner/model"), "ner/model", "leads out of"},
		"link of a link": {func(t *testing.T, dir string) {
			link("hop", "ner/model")(t, dir)
			link(up+secrets+"/shadow", "ner/hop")(t, dir)
		}, "ner/model", "leads out of"},
		"licence":              {link(filepath.Join(secrets, "shadow"), "LICENSE"), "LICENSE", "leads out of"},
		"configuration":        {link(filepath.Join(secrets, "config.cfg"), "config.cfg"), "config.cfg", "leads out of"},
		"folder":               {link(filepath.Join(secrets, "ner"), "ner"), "ner/model", "leads out of"},
		"folder, by parents":   {link(up+secrets+"/ner", "ner"), "ner/model", "leads out of"},
		"absolute, but inside": {func(t *testing.T, dir string) { link(filepath.Join(dir, "ner/moves"), "ner/model")(t, dir) }, "ner/model", "leads out of"},
		"device":               {link("/dev/zero", "ner/model"), "ner/model", "leads out of"},
		"folder for a file": {func(t *testing.T, dir string) {
			link("moves.d", "ner/model")(t, dir)
			os.Mkdir(dir+"/ner/moves.d", 0o755)
		}, "ner/model", "a folder"},
		"loop": {link("model", "ner/model"), "ner/model", "ner/model"},
		"named pipe": {func(t *testing.T, dir string) {
			os.Remove(dir + "/ner/model")
			if err := syscall.Mkfifo(dir+"/ner/model", 0o644); err != nil {
				t.Fatal(err)
			}
		}, "ner/model", "not a regular file"},
		"link to a named pipe": {func(t *testing.T, dir string) {
			link("pipe", "ner/model")(t, dir)
			if err := syscall.Mkfifo(dir+"/ner/pipe", 0o644); err != nil {
				t.Fatal(err)
			}
		}, "ner/model", "not a regular file"},
		"too large": {func(t *testing.T, dir string) {
			if err := os.Truncate(dir+"/ner/model", pipeline.MaxSize+1); err != nil {
				t.Fatal(err)
			}
		}, "ner/model", "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			modeltest.WriteDir(t, parent, map[string]string{"outside": "root:secret"})
			dir := modeltest.WriteDir(t, filepath.Join(parent, "m"), modeltest.Tiny)
			tc.make(t, dir)
			p := places(t)
			_, err := Add(p, dir, "x", nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), strings.Split(tc.file, "/")[0]) {
				t.Errorf("add: %v, want an error with %q", err, tc.want)
			}
			if left, _ := os.ReadDir(p.User); len(left) != 0 {
				t.Errorf("%v was installed", left)
			}
			if _, err := pipeline.Dir(dir).Bytes(tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("read %s: %v, want an error with %q", tc.file, err, tc.want)
			}
		})
	}
}

// TestDirLinksInside checks that links inside of a folder are followed, and a link to the
// folder itself. Links to nothing, and files that no pipeline has, are ignored.
func TestDirLinksInside(t *testing.T) {
	dir := modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny)
	blobs := modeltest.WriteDir(t, filepath.Join(dir, "blobs"), map[string]string{"1": "weights"})
	if err := errors.Join(
		os.Remove(filepath.Join(dir, "ner/model")),
		os.Symlink("../blobs/1", filepath.Join(dir, "ner/model")),
		os.Symlink("nothing", filepath.Join(dir, ".lock")),
		syscall.Mkfifo(filepath.Join(blobs, "pipe"), 0o644),
		os.Symlink(dir, filepath.Join(t.TempDir(), "m")),
	); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, path); err != nil {
		t.Fatal(err)
	}
	p := places(t)
	m, err := Add(p, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := installed(t, p, "en_tiny"); !slices.Equal(got, modeltest.Wanted()) {
		t.Errorf("installed %q, want %q", got, modeltest.Wanted())
	}
	if info, err := os.Lstat(filepath.Join(m.Path, "ner/model")); err != nil || info.Mode() != 0o644 {
		t.Errorf("ner/model is %v, %v; want a file", info, err)
	}
	if _, err := m.Bytes("ner/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
