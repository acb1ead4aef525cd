package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	tmp := t.TempDir()
	for _, dir := range []string{"plain", "package/en_x-1.0", "unpacked/en_x/en_x-1.0", "out/en_x-1.0/en_x/en_x-1.0", "two/a", "two/b", "deep/1/2/3/4", "nested", "nested/below"} {
		dir = filepath.Join(tmp, dir)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "config.cfg"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"plain":    "plain",
		"package":  "package/en_x-1.0",
		"unpacked": "unpacked/en_x/en_x-1.0",
		"out":      "out/en_x-1.0/en_x/en_x-1.0", // spacy package DIR out
		"nested":   "nested",
	} {
		if got, err := Folder(filepath.Join(tmp, path)); got != filepath.Join(tmp, want) || err != nil {
			t.Errorf("Folder(%s) = %s, %v, want %s", path, got, err, want)
		}
	}
	if got, err := Folder(filepath.Join(tmp, "deep")); !errors.Is(err, ErrNoConfig) {
		t.Errorf("four levels below: %s, %v, want ErrNoConfig", got, err)
	}
	want := "2 pipelines in it: name one of " + filepath.Join(tmp, "two/a") + ", " + filepath.Join(tmp, "two/b")
	if _, err := Folder(filepath.Join(tmp, "two")); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("two pipelines: %v, want %s", err, want)
	}
}

// TestSpacy2 has pipelines of spaCy 2, which have no config.cfg.
func TestSpacy2(t *testing.T) {
	tmp := t.TempDir()
	for _, name := range []string{"plain", "package/en_x-2.3.1"} {
		dir := filepath.Join(tmp, name)
		for _, file := range []string{"meta.json", "tokenizer", "ner/cfg"} {
			file = filepath.Join(dir, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("{}"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Folder(filepath.Join(tmp, strings.TrimSuffix(name, "/en_x-2.3.1"))); !errors.Is(err, ErrSpacy2) {
			t.Errorf("the folder %s: %v, want ErrSpacy2", name, err)
		}
		if err := Check(Dir(dir)); !errors.Is(err, ErrSpacy2) {
			t.Errorf("the folder %s, checked: %v, want ErrSpacy2", name, err)
		}
	}
	archive := &index{sizes: map[string]int64{"en_x/meta.json": 1, "en_x/en_x-2.3.1/meta.json": 1, "en_x/en_x-2.3.1/tokenizer": 1}}
	if _, err := archive.root(); !errors.Is(err, ErrSpacy2) || !errors.Is(err, ErrNotPipeline) {
		t.Errorf("an archive: %v, want ErrSpacy2", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "plain", "config.cfg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(tmp, "plain", "tokenizer")), Check(Dir(filepath.Join(tmp, "plain")))); errors.Is(err, ErrSpacy2) || !errors.Is(err, ErrNotPipeline) {
		t.Errorf("no tokenizer: %v, want ErrNotPipeline", err)
	}
}

// TestHuggingFace has the folder in which Hugging Face's client keeps a download: the files
// of a snapshot are links to blobs beside it.
func TestHuggingFace(t *testing.T) {
	tmp := t.TempDir()
	download := filepath.Join(tmp, "models--someone--en_x")
	snapshot := filepath.Join(download, "snapshots", "0123abc")
	write := func(file, content string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, file string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink(target, file)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(tmp, "secret"), "secret")
	write(filepath.Join(download, "refs", "main"), "0123abc")
	for name, target := range map[string]string{"config.cfg": "../../blobs/1", "tokenizer": "../../blobs/2", "ner/model": "../../../blobs/3"} {
		write(filepath.Join(download, "blobs", filepath.Base(target)), name)
		link(target, filepath.Join(snapshot, name))
	}
	link(snapshot, filepath.Join(tmp, "linked"))
	for path, want := range map[string]string{download: snapshot, snapshot: snapshot, snapshot + "/": snapshot, filepath.Join(tmp, "linked"): filepath.Join(tmp, "linked")} {
		if got, err := Folder(path); got != want || err != nil {
			t.Errorf("Folder(%s) = %s, %v, want %s", path, got, err, want)
		}
		if b, err := Dir(want).Bytes("ner/model"); string(b) != "ner/model" || err != nil {
			t.Errorf("ner/model in %s reads %q, %v", want, b, err)
		}
	}
	sizes, err := Dir(snapshot).Sizes()
	if err != nil || len(sizes) != 3 || sizes["ner/model"] != 9 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	if err := Check(Dir(snapshot)); err != nil {
		t.Error(err)
	}
	link("../../../../secret", filepath.Join(snapshot, "parser", "model"))
	if b, err := Dir(snapshot).Bytes("parser/model"); err == nil || !strings.Contains(err.Error(), "leads out of") {
		t.Errorf("a link that leads out of the download reads %q, %v", b, err)
	}
	if _, err := Dir(snapshot).Sizes(); err == nil || !strings.Contains(err.Error(), "leads out of") {
		t.Errorf("sizes with a link that leads out of the download: %v", err)
	}

	// A folder of that name elsewhere has no more rights.
	for _, dir := range []string{"models--x/snapshot/1", "model--x/snapshots/1", "models--x/1"} {
		dir = filepath.Join(tmp, dir)
		link(filepath.Join("..", "..", "blobs", "1"), filepath.Join(dir, "config.cfg"))
		write(filepath.Join(dir, "..", "..", "blobs", "1"), "x")
		if b, err := Dir(dir).Bytes("config.cfg"); err == nil {
			t.Errorf("%s: a link that leads out of it reads %q", dir, b)
		}
	}
}

// TestTogether has files of a folder that are too large together.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ner/model", "parser/model", "other"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o644), os.Truncate(file, MaxSize/2)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Dir(dir).Sizes(); err != nil {
		t.Errorf("%d bytes that are wanted: %v", MaxSize, err)
	}
	if err := os.Truncate(filepath.Join(dir, "ner/model"), MaxSize/2+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(dir).Sizes(); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("one byte more: %v", err)
	}
}
