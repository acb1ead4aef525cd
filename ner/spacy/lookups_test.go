package spacy

import (
	"fmt"
	"slices"
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
	tables, err := readLookups(lookupsFile(t, map[string]map[string]any{"wanted": words, "other": {"x": 1}, "texts": {"noun": texts}}), map[string]func(*msgpack.Reader){"wanted": (*msgpack.Reader).Skip, "texts": (*msgpack.Reader).Skip})
	if err != nil {
		t.Fatal(err)
	}
	if tables["other"] != nil {
		t.Error("a table that is not wanted was read")
	}
	inside, err := newTextTable(tables["texts"].value("noun"), func(c *msgpack.Reader) { readForms(c) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		key, want := fmt.Sprint("word", i), fmt.Sprint("lemma", i)
		if c := tables["wanted"].find(key); c == nil || c.Str() != want {
			t.Fatalf("%s is not %s", key, want)
		}
		if c := inside.find(key); c == nil || strings.Join(readForms(c), ",") != want {
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
		{"rule", map[string]map[string]any{"lemma_rules": {"noun": make([]any, maxEndings+1)}}, "lemma_rules: noun: 10001 rules, the limit is 10000"},
		{"rule", map[string]map[string]any{"lemma_rules": {"noun": []any{[]any{strings.Repeat("s", maxForm+1), ""}}}}, "lemma_rules: noun: a base form of 1001 bytes, the limit is 1000"},
		{"rule", map[string]map[string]any{"lemma_rules": {}, "lemma_exc": {"verb": map[string]any{"x": slices.Repeat([]any{"y"}, maxForms+1)}}}, "lemma_exc: verb: 101 base forms of a word, the limit is 100"},
		{"lookup", map[string]map[string]any{"lemma_lookup": {"x": strings.Repeat("y", maxForm+1)}}, "table lemma_lookup: a base form of 1001 bytes, the limit is 1000"},
	} {
		if _, err := newLemmatizer(lookupsFile(t, c.tables), c.mode, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.tables, err, c.want)
		}
	}
}

// A file can have a key twice. Then the last value counts, as in Python.
func TestTablesWithEqualKeys(t *testing.T) {
	const n = 50_000
	ids, texts := msgp.AppendMapHeader(nil, n), msgp.AppendMapHeader(nil, n)
	for i := range n {
		ids = msgp.AppendInt(msgp.AppendUint64(ids, 7+uint64(i%2)), i)
		texts = msgp.AppendInt(msgp.AppendString(texts, []string{"a", "b"}[i%2]), i)
	}
	table, err := newIDTable(ids, (*msgpack.Reader).Skip)
	if err != nil {
		t.Fatal(err)
	}
	if at := table.slots[table.slot(8)]; at == 0 || table.slots[table.slot(9)] != 0 {
		t.Errorf("slots %d, %d", at, table.slots[table.slot(9)])
	} else if c := msgpack.NewReader(table.data[at:]); readID(c) != 8 || c.Int() != n-1 {
		t.Error("of equal ids not the last one counts")
	}
	inside, err := newTextTable(texts, (*msgpack.Reader).Skip)
	if err != nil {
		t.Fatal(err)
	}
	if c := inside.find("a"); c == nil || c.Int() != n-2 {
		t.Error("of equal strings not the last one counts")
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
