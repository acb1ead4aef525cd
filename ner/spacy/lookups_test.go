package spacy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// lookupsFile returns the file of a lemmatizer's tables. values are encoded as MessagePack.
// The keys of a table are ids, as spaCy writes them.
func lookupsFile(t testing.TB, tables map[string]map[string]any) []byte {
	t.Helper()
	b := msgp.AppendMapHeader(nil, uint32(len(tables)))
	for name, table := range tables {
		b = msgp.AppendMapHeader(msgp.AppendString(b, name), uint32(len(table)))
		for key, value := range table {
			b = msgp.AppendUint64(b, tokenizer.StringID(key))
			var err error
			if b, err = msgp.AppendIntf(b, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func TestTables(t *testing.T) {
	words := map[string]any{"": "nothing"}
	texts := map[string]any{}
	for i := range 1000 {
		words[fmt.Sprint("word", i)] = fmt.Sprint("lemma", i)
		texts[fmt.Sprint("word", i)] = []any{fmt.Sprint("lemma", i)}
	}
	tables, err := readLookups(lookupsFile(t, map[string]map[string]any{"wanted": words, "other": {"x": 1}, "texts": {"noun": texts}}), "wanted", "texts")
	if err != nil {
		t.Fatal(err)
	}
	if tables["other"] != nil {
		t.Error("a table that is not wanted was read")
	}
	inside, err := newTextTable(tables["texts"].value("noun"), func(c *msgpack.Reader) { readTexts(c) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		key, want := fmt.Sprint("word", i), fmt.Sprint("lemma", i)
		if c := tables["wanted"].find(key); c == nil || c.Str() != want {
			t.Fatalf("%s is not %s", key, want)
		}
		if c := inside.find(key); c == nil || strings.Join(readTexts(c), ",") != want {
			t.Fatalf("in the text table %s is not %s", key, want)
		}
	}
	if tables["wanted"].find("word1000") != nil || inside.find("word1000") != nil || tables["none"].find("x") != nil {
		t.Error("a key was found that no table has")
	}
}

func TestBrokenTables(t *testing.T) {
	whole := lookupsFile(t, map[string]map[string]any{"lemma_rules": {"noun": []any{[]any{"s", ""}}}, "lemma_exc": {"noun": map[string]any{"mice": []any{"mouse"}}}})
	if _, err := newLemmatizer(whole, "rule", false); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if _, err := newLemmatizer(whole[:n], "rule", false); err == nil {
			t.Errorf("the first %d of %d bytes: no error", n, len(whole))
		}
	}
	for _, c := range []struct {
		mode   string
		tables map[string]map[string]any
		want   string
	}{
		{"rule", map[string]map[string]any{"lemma_exc": {}}, "no table lemma_rules"},
		{"lookup", map[string]map[string]any{"lemma_rules": {}}, "no table lemma_lookup"},
		{"rule", map[string]map[string]any{"lemma_rules": {"noun": []any{[]any{"s"}}}}, "lemma_rules: noun: a rule of 1 strings, want 2"},
		{"rule", map[string]map[string]any{"lemma_rules": {}, "lemma_exc": {"verb": map[string]any{"x": 7}}}, "lemma_exc: verb: "},
		{"rule", map[string]map[string]any{"lemma_rules": {}, "lemma_index": {"verb": 7}}, "lemma_index: verb: "},
	} {
		if _, err := newLemmatizer(lookupsFile(t, c.tables), c.mode, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.tables, err, c.want)
		}
	}
}

func FuzzLemmatizer(f *testing.F) {
	f.Add(lookupsFile(f, map[string]map[string]any{"lemma_rules": {"noun": []any{[]any{"s", ""}}}, "lemma_exc": {"noun": map[string]any{"mice": []any{"mouse"}}}}), "mice", "NOUN")
	f.Add(lookupsFile(f, map[string]map[string]any{"lemma_lookup": {"mice": "mouse", "men": []any{"man"}}}), "men", "")
	f.Fuzz(func(t *testing.T, data []byte, word, pos string) {
		for _, mode := range []string{"rule", "lookup"} {
			if m, err := newLemmatizer(data, mode, false); err == nil {
				m.lemma(word, pos, "Number=Plur")
			}
		}
	})
}
