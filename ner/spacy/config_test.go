package spacy

import (
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	cfg, err := parseConfig([]byte("# a comment\n[nlp]\nlang = \"en\"\npipeline = [\"tok2vec\",\n    \"ner\",\n    # not this\n\t\"tagger\"]\ntokenizer = {\"@tokenizers\":\"t\",\"n\":3}\nempty = null\n; another\n\n[nlp.vectors]\n@vectors=\"v = w\"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if ok, err := cfg.get("nlp", "pipeline", &names); !ok || err != nil || strings.Join(names, " ") != "tok2vec ner tagger" {
		t.Errorf("pipeline = %q, %v, %v", names, ok, err)
	}
	for _, c := range []struct {
		section, key, want string
		ok                 bool
	}{
		{"nlp", "lang", "en", true},
		{"nlp", "empty", "", false},
		{"nlp", "absent", "", false},
		{"nlp.vectors", "@vectors", "v = w", true},
		{"nlp.tokenizer", "@tokenizers", "t", true},
		{"nlp.tokenizer", "absent", "", false},
		{"absent", "absent", "", false},
	} {
		var got string
		ok, err := cfg.get(c.section, c.key, &got)
		if ok != c.ok || got != c.want || err != nil {
			t.Errorf("[%s] %s = %q, %v, %v; want %q, %v", c.section, c.key, got, ok, err, c.want, c.ok)
		}
	}
	var n int
	if _, err := cfg.get("nlp", "lang", &n); err == nil || !strings.HasPrefix(err.Error(), `[nlp] lang = "en": `) {
		t.Errorf("a string as a number: %v", err)
	}
}

func TestBadConfig(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "no section [nlp]",
		"lang = 1":              `line 1: "lang = 1": want [section] or key = value`,
		"[nlp]\nlang":           `line 2: "lang": want [section] or key = value`,
		"[nlp]\n\n[nlp]\na = 1": "line 3: section [nlp] is there twice",
	} {
		if _, err := parseConfig([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("parseConfig(%q): %v, want %s…", text, err, want)
		}
	}
}

// FuzzConfig checks that parseConfig and plan do not panic, whatever the file has.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("[nlp]\nlang = \"en\"\npipeline = [\"ner\"]\n\n[components.ner]\nfactory = \"ner\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := parseConfig(data); err == nil {
			cfg.plan(nil)
		}
	})
}
