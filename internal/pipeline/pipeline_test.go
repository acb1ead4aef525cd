package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestWanted(t *testing.T) {
	for name, want := range map[string]bool{
		"config.cfg":                     true,
		"tokenizer":                      true,
		"vocab/vectors":                  true,
		"vocab/strings.json":             false,
		"LICENSES_SOURCES":               true,
		"ner/model":                      true,
		"parser/moves":                   true,
		"senter/model":                   true,
		"senter/cfg":                     true,
		"sentencizer.json":               true, // the file of a sentencizer, which has no folder
		"rules/patterns":                 true,
		"tagger/model":                   true,
		"lemmatizer/lookups/lookups.bin": true,
		"ruler/patterns.jsonl":           true, // the rules of an entity_ruler
		"ruler.jsonl":                    true, // the same, of an older spaCy
		"ruler/sub/patterns.jsonl":       false,
	} {
		if got := Wanted(name); got != want {
			t.Errorf("Wanted(%q) = %v, want %v", name, got, want)
		}
	}
}

// TestOtherTokenizer has pipelines without a file "tokenizer": it has a folder, or nothing, if
// the tokenizer does not work by rules.
func TestOtherTokenizer(t *testing.T) {
	const config = "[nlp]\nlang = %q\n\n[nlp.tokenizer]\n@tokenizers = %q\n"
	for _, test := range []struct {
		config string
		ok     bool
	}{
		{fmt.Sprintf(config, "ja", "spacy.ja.JapaneseTokenizer"), true},
		{fmt.Sprintf(config, "en", "mine.v1"), true},
		{fmt.Sprintf(config, "en", "spacy.Tokenizer.v1"), false},
		{"[nlp]\nlang = \"en\"\n", false},
	} {
		dir := t.TempDir()
		for _, name := range []string{"config.cfg", "meta.json"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(test.config), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		switch err := Check(Dir(dir)); {
		case test.ok && err != nil, !test.ok && !errors.Is(err, ErrNotPipeline):
			t.Errorf("%q: %v", test.config, err)
		}
	}
	x := index{sizes: map[string]int64{"ja_x/meta.json": 1, "ja_x/ja_x-1.0/meta.json": 1, "ja_x/ja_x-1.0/config.cfg": 1, "ja_x/ja_x-1.0/tokenizer/cfg": 1}}
	root, err := x.root()
	if root != "ja_x/ja_x-1.0/" || err != nil {
		t.Errorf("an archive: %q, %v", root, err)
	}
}
