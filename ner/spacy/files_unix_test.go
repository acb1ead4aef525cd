//go:build unix

package spacy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenStaysInside checks that Open reads no file outside of a pipeline's folder and
// never blocks, whatever kinds of files the folder has.
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
	pipe := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	pkg := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(pkg, "tiny-0.1")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, want string }{
		"file":      {replace("ner/model", link(filepath.Join(outside, "ner/model"))), "ner/model is, or is behind, a link that leads out of"},
		"folder":    {replace("ner", link(filepath.Join(outside, "ner"))), "a link that leads out of"},
		"config":    {replace("config.cfg", link(filepath.Join(outside, "config.cfg"))), "no config.cfg in it"},
		"device":    {replace("tokenizer", link("/dev/zero")), "a link that leads out of"},
		"pipe":      {replace("ner/model", pipe), "not a regular file"},
		"a package": {pkg, "no config.cfg in it"},
		"no wheel":  {filepath.Join(replace("x.whl", pipe), "x.whl"), "not a regular file"},
	} {
		if _, err := Open(c.dir, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	// Links to files inside of the folder are followed.
	dir := replace("ner/model", link("../blob"))
	writeDir(t, dir, map[string][]byte{"blob": files["ner/model"]})
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}
