package spacy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// TestLoad loads a pipeline by its name from ./models.
func TestLoad(t *testing.T) {
	dir, err := filepath.Abs(modelDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	if err := os.Mkdir("models", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, "models/en_core_web_sm"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"en_core_web_sm", "./models/en_core_web_sm"} {
		nlp, err := Load(name, "parser")
		if err != nil {
			t.Fatal(err)
		}
		ents, err := nlp.Entities(t.Context(), "Tim Cook visited Paris.")
		if got := fmt.Sprint(triples(ents)); err != nil || got != "[[0 8 PERSON] [17 22 GPE]]" {
			t.Errorf("Load(%q): %v, %v", name, got, err)
		}
		if nlp.Check(ner.Sents) == nil {
			t.Errorf("Load(%q, parser) has a parser", name)
		}
		nlp.Close()
	}
	for name, want := range map[string]string{
		"en_core_web_xx": "model en_core_web_xx is not installed (looked in ./models, ",
		"./nowhere":      "nowhere",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): %v, want %q in it", name, err, want)
		}
	}
}
