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
	for _, dir := range []string{"plain", "package/en_x-1.0", "unpacked/en_x/en_x-1.0", "two/a", "two/b", "deep/1/2/3", "nested", "nested/below"} {
		dir = filepath.Join(tmp, dir)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "config.cfg"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"plain":    "plain",
		"package":  "package/en_x-1.0",
		"unpacked": "unpacked/en_x/en_x-1.0",
		"nested":   "nested",
	} {
		if got, err := Folder(filepath.Join(tmp, path)); got != filepath.Join(tmp, want) || err != nil {
			t.Errorf("Folder(%s) = %s, %v, want %s", path, got, err, want)
		}
	}
	if got, err := Folder(filepath.Join(tmp, "deep")); !errors.Is(err, ErrNoConfig) {
		t.Errorf("three levels below: %s, %v, want ErrNoConfig", got, err)
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
	if _, err := Root(map[string]bool{"en_x/meta.json": true, "en_x/en_x-2.3.1/meta.json": true, "en_x/en_x-2.3.1/tokenizer": true}); !errors.Is(err, ErrSpacy2) || !errors.Is(err, ErrNotPipeline) {
		t.Errorf("an archive: %v, want ErrSpacy2", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "plain", "config.cfg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(tmp, "plain", "tokenizer")), Check(Dir(filepath.Join(tmp, "plain")))); errors.Is(err, ErrSpacy2) || !errors.Is(err, ErrNotPipeline) {
		t.Errorf("no tokenizer: %v, want ErrNotPipeline", err)
	}
}
