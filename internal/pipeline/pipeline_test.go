package pipeline

import "testing"

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
		"tagger/model":                   false,
		"lemmatizer/lookups/lookups.bin": false,
		"ruler/patterns.jsonl":           true, // the rules of an entity_ruler
		"ruler.jsonl":                    true, // the same, of an older spaCy
		"ruler/sub/patterns.jsonl":       false,
	} {
		if got := Wanted(name); got != want {
			t.Errorf("Wanted(%q) = %v, want %v", name, got, want)
		}
	}
}
