package install

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// installed returns the files of an installed model. It fails the test if the user's models
// have any other entry.
func installed(t *testing.T, p model.Places, name string) []string {
	t.Helper()
	entries, err := os.ReadDir(p.User)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%v in the user's models, want only %s", entries, name)
	}
	sizes, err := pipeline.Dir(filepath.Join(p.User, name)).Sizes()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(sizes))
}

func places(t *testing.T) model.Places {
	root := t.TempDir()
	return model.Places{Local: filepath.Join(root, "local"), User: filepath.Join(root, "user"), System: filepath.Join(root, "system")}
}

func TestAddRemove(t *testing.T) {
	p := places(t)
	dir := modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny)
	wheel := modeltest.WriteWheel(t, "en_tiny/en_tiny-0.1.0/", modeltest.Tiny)
	for _, path := range []string{dir, wheel, dir} { // the second and third replace the first
		m, err := Add(p, path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != "en_tiny" || m.Path != filepath.Join(p.User, "en_tiny") {
			t.Errorf("added as %s in %s", m.Name, m.Path)
		}
		if got, want := installed(t, p, "en_tiny"), modeltest.Wanted(); !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
	}
	info, err := os.Stat(filepath.Join(p.User, "en_tiny"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the model's directory is %v, %v: want one a server of another user can read", info.Mode(), err)
	}
	if dir, err := Remove(p, "en_tiny"); err != nil || dir != filepath.Join(p.User, "en_tiny") {
		t.Fatalf("removed %s, %v", dir, err)
	}
	if _, err := p.Find("en_tiny"); err == nil {
		t.Error("still there after Remove")
	}
	if _, err := Add(p, dir, "../escape", nil); err == nil || !strings.Contains(err.Error(), "not a valid name for a model") {
		t.Errorf("Add as ../escape: %v", err)
	}
	if m, err := Add(p, dir, "mine", nil); err != nil || m.Name != "mine" {
		t.Errorf("Add as mine: %v, %v", m, err)
	}

	modeltest.WriteDir(t, filepath.Join(p.System, "other"), modeltest.Tiny)
	p.Archive = string(modeltest.Zip(t, "", modeltest.Tiny))
	for name, want := range map[string]string{
		"other":       "is in " + p.System,
		model.Default: "part of this program",
		"none":        "not installed",
		"../x":        "want the name of a model",
		".":           "want the name of a model",
	} {
		if _, err := Remove(p, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Remove(%q) = %v, want an error with %q", name, err, want)
		}
	}
	if _, err := Add(model.Places{}, dir, "", nil); err == nil || !strings.Contains(err.Error(), "set HOME") {
		t.Errorf("Add without a home: %v", err)
	}
}

// TestReplaceKeepsOpenFiles checks that a file of the old model that is open stays readable
// when a new model replaces it.
func TestReplaceKeepsOpenFiles(t *testing.T) {
	p := places(t)
	m, err := Add(p, modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Files().Open("ner/model")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	newer := maps.Clone(modeltest.Tiny)
	newer["ner/model"] = "better weights"
	if _, err := Add(p, modeltest.WriteDir(t, t.TempDir(), newer), "", nil); err != nil {
		t.Fatal(err)
	}
	if old, err := io.ReadAll(f); err != nil || string(old) != "weights" {
		t.Errorf("the open file reads %q, %v", old, err)
	}
	if b, err := m.Bytes("ner/model"); err != nil || string(b) != "better weights" {
		t.Errorf("the new file reads %q, %v", b, err)
	}
}

func TestSpaceHint(t *testing.T) {
	err := spaceHint(fmt.Errorf("copy ner/model: %w", syscall.ENOSPC), "/data", map[string]int64{"ner/model": 5 << 20, "vocab/strings.json": 900 << 20})
	if want := "the model needs 6 MB in /data"; !strings.Contains(err.Error(), want) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("no space: %v, want it to say %q", err, want)
	}
}

// TestAddTries checks that a pipeline that cannot be opened is not installed, and that what
// was installed under its name stays.
func TestAddTries(t *testing.T) {
	p := places(t)
	dir := modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny)
	if _, err := Add(p, dir, "", nil); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("it cannot be run")
	newer := maps.Clone(modeltest.Tiny)
	newer["ner/model"] = "newer weights"
	try := func(copied string) error {
		if b, err := os.ReadFile(filepath.Join(copied, "ner/model")); err != nil || string(b) != "newer weights" {
			t.Errorf("the copy's ner/model reads %q, %v", b, err)
		}
		return refusal
	}
	if _, err := Add(p, modeltest.WriteDir(t, t.TempDir(), newer), "", try); !errors.Is(err, refusal) {
		t.Errorf("add: %v, want %v", err, refusal)
	}
	left, err := os.ReadDir(p.User)
	if err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
	if b, err := os.ReadFile(filepath.Join(p.User, "en_tiny", "ner/model")); err != nil || string(b) != "weights" {
		t.Errorf("the installed ner/model reads %q, %v", b, err)
	}
	refusal = nil
	if m, err := Add(p, modeltest.WriteDir(t, t.TempDir(), newer), "other", try); err != nil || m.Name != "other" {
		t.Errorf("add of one that can be run: %v, %v", m, err)
	}
}
