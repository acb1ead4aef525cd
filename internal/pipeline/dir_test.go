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
