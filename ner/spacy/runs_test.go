package spacy

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/narwhal-server/narwhal/ner"
)

var update = flag.Bool("update", false, "write the table of docs/engine.md")

// TestTableOfWhatRuns opens one pipeline for each row of the table in docs/engine.md, and
// compares the table with what happens. With -update it writes the table.
func TestTableOfWhatRuns(t *testing.T) {
	type files = map[string][]byte
	last := func(name, factory string) func(files) {
		return func(f files) { addComponentLast(t, f, name, factory) }
	}
	first := func(name, factory, settings string) func(files) {
		return func(f files) { addComponent(t, f, name, factory, settings) }
	}
	set := func(name, old, new string) func(files) {
		return func(f files) { edit(t, f, name, old, new) }
	}
	own := func(change func(*tiny)) tiny {
		s := small
		change(&s)
		return s
	}
	listen := own(func(s *tiny) { s.listen, s.parser = true, true })
	sents := own(func(s *tiny) { s.parser = true })
	rule := func(pattern string) func(files) {
		return func(f files) {
			first("ruler", "entity_ruler", "")(f)
			f["ruler.jsonl"] = []byte(`{"label":"A","pattern":` + pattern + "}")
		}
	}
	patterns := func(pairs ...string) func(files) {
		return func(f files) {
			b := msgp.AppendMapHeader(nil, uint32(len(pairs)/2))
			for _, s := range pairs {
				b = msgp.AppendString(b, s)
			}
			f["tokenizer"] = b
		}
	}
	var b strings.Builder
	b.WriteString("| pipeline | narwhal |\n| --- | --- |\n")
	for _, row := range []struct {
		what   string
		tiny   tiny
		change func(files)
	}{
		{"a recognizer with a network of its own", small, nil},
		{"`parser` and `ner` that listen to one `tok2vec`", listen, nil},
		{"… that listen to two `tok2vec` components", listen, func(f files) {
			edit(t, f, "config.cfg", `"ner"]`, `"second","ner"]`)
			f["config.cfg"] = append(f["config.cfg"], "\n[components.second]\nfactory = \"tok2vec\"\n"...)
			f["second/model"] = f["tok2vec/model"]
		}},
		{"`ner` with `window_size = 2`", own(func(s *tiny) { s.window = 2 }), nil},
		{"… with `maxout_pieces = 4` in its `encode`", own(func(s *tiny) { s.pieces, s.mixPieces = 4, 3 }), nil},
		{"… with `maxout_pieces = 3`", own(func(s *tiny) { s.lowerPieces = 3 }), nil},
		{"… with `hidden_width = 300`", own(func(s *tiny) { s.hidden = 300 }), nil},
		{"… with `extra_state_tokens = true`", own(func(s *tiny) { s.extra = true }), nil},
		{"… with `use_upper = false`", own(func(s *tiny) { s.noUpper = true }), nil},
		{"`parser` with `extra_state_tokens = true`", sents, func(f files) {
			edit(t, f, "config.cfg", "state_type = \"parser\"\n", "state_type = \"parser\"\nextra_state_tokens = true\n")
		}},
		{"`MishWindowEncoder` instead of `MaxoutWindowEncoder`", small, set("config.cfg", "MaxoutWindowEncoder", "MishWindowEncoder")},
		{"`CharacterEmbed` instead of `MultiHashEmbed`", own(func(s *tiny) { s.chars = 4 }), set("config.cfg", "MultiHashEmbed", "CharacterEmbed")},
		{"a recognizer that reads a transformer", small, set("config.cfg", `"spacy.Tok2Vec.v2"`, `"spacy-transformers.TransformerListener.v1"`)},
		{"… a curated transformer", small, set("config.cfg", `"spacy.Tok2Vec.v2"`, `"spacy-curated-transformers.LastTransformerLayerListener.v1"`)},
		{"a transformer that only other components read, such as `textcat`", small, first("trf", "transformer", "")},
		{"`beam_ner` instead of `ner`", small, set("config.cfg", `factory = "ner"`, `factory = "beam_ner"`)},
		{"`ner` with a `beam_width`", small, set("ner/cfg", `"beam_width":1`, `"beam_width":16`)},
		{"`spancat` without `ner`", small, set("config.cfg", `factory = "ner"`, `factory = "spancat"`)},
		{"two components `ner`", small, last("ner2", "ner")},
		{"a pipeline that was saved with `exclude=[\"vocab\"]`", small, func(f files) { delete(f, "vocab/lookups.bin") }},
		{"… although its network needs word vectors", own(func(s *tiny) { s.vectors = 5 }), func(f files) {
			for _, name := range []string{"lookups.bin", "vectors", "key2row", "vectors.cfg"} {
				delete(f, "vocab/"+name)
			}
		}},
		{"a pipeline of spaCy 2", small, func(f files) { delete(f, "config.cfg") }},
		{"older networks: `TransitionBasedParser`, `Tagger`, `Tok2Vec`, `HashEmbedCNN`, `MultiHashEmbed`, `CharacterEmbed` and `MaxoutWindowEncoder` of version 1", own(func(s *tiny) { s.vectors = 5 }), func(f files) { version1(t, f) }},
		{"word vectors without `vocab/vectors.cfg`, as before spaCy 3.2", own(func(s *tiny) { s.vectors = 5 }), func(f files) { delete(f, "vocab/vectors.cfg") }},
		{"vectors of floret", own(func(s *tiny) { s.vectors = 5 }), set("vocab/vectors.cfg", "default", "floret")},
		{"a tokenizer with other patterns than those of spaCy's English, or with none", small, patterns("prefix_search", `^[("]`, "suffix_search", `(?<=[a-z])\.$`, "infix_finditer", "(?<=[a-z])-(?=[a-z])", "token_match", `(?i)^[a-z]+-\d+$`)},
		{"… with a pattern that refers to a group, or has an atomic group or a possessive quantifier", small, patterns("infix_finditer", `(-)\1`)},
		{"… with another `url_match`, and with a rule that has `LIKE_URL`", small, func(f files) {
			patterns("infix_finditer", "-")(f)
			rule(`[{"LIKE_URL":true}]`)(f)
		}},
		{"`tagger`, `morphologizer`, `lemmatizer`, `textcat`, `spancat`, `entity_linker`, anywhere", small, first("tagger", "tagger", "")},
		{"`parser`, `senter` or `sentencizer`", sents, nil},
		{"two of them before `ner`", sents, first("two", "senter", "")},
		{"a second one of them after `ner`", sents, last("two", "senter")},
		{"`merge_entities` after `ner`", sents, last("merge", "merge_entities")},
		{"`token_splitter` after `ner`", sents, last("split", "token_splitter")},
		{"one of these two before `ner`", small, first("merge", "merge_entities", "")},
		{"`merge_subtokens`", small, last("sub", "merge_subtokens")},
		{"`merge_noun_chunks`", sents, last("merge", "merge_noun_chunks")},
		{"`doc_cleaner` after `ner`", listen, func(f files) {
			addComponentLast(t, f, "clean", "doc_cleaner")
			f["clean/cfg"] = []byte(`{"attrs":{"tensor":null,"_.trf_data":null}}`)
		}},
		{"… before a component that reads what it clears", listen, func(f files) {
			addComponent(t, f, "clean", "doc_cleaner", "")
			f["clean/cfg"] = []byte(`{"attrs":{"tensor":null,"_.trf_data":null}}`)
		}},
		{"`entity_ruler`, before `ner` or after it", small, func(f files) {
			first("before", "entity_ruler", "")(f)
			last("after", "entity_ruler")(f)
			rules := `{"label":"CITY","pattern":[{"LOWER":"paris"}],"id":"p"}` + "\n" + `{"label":"CITY","pattern":"New York"}` + "\n"
			addFiles(f, []string{"before/cfg", "{}", "before/patterns.jsonl", rules, "after.jsonl", rules})
		}},
		{"`span_ruler`, also with `annotate_ents`, and `future_entity_ruler`", small, func(f files) {
			first("spans", "span_ruler", "")(f)
			first("ents", "span_ruler", "annotate_ents = true")(f)
			last("future", "future_entity_ruler")(f)
			addFiles(f, []string{"ents/patterns", `{"label":"A","pattern":"isn't"}`, "future/patterns", ""})
		}},
		{"… with an `ents_filter` of your own", small, first("ruler", "span_ruler", "annotate_ents = true\nents_filter = {\"@misc\":\"mine.v1\"}")},
		{"… after `merge_entities`", small, func(f files) {
			last("ruler", "entity_ruler")(f)
			edit(t, f, "config.cfg", `"ner","ruler"`, `"ner","merge","ruler"`)
			f["config.cfg"] = append(f["config.cfg"], "[components.merge]\nfactory = \"merge_entities\"\n"...)
		}},
		{"a rule with `TAG`, `POS`, `MORPH`, `LEMMA`, `DEP` or `SENT_START`, or a `phrase_matcher_attr` that is one of the first five, after the components that set it", small, func(f files) {
			maps.Copy(f, annotatedFiles(t, 1))
			withRuler(t, f, "", `{"phrase_matcher_attr":"LEMMA"}`, `{"label":"A","pattern":"Tim Cook"}`+"\n"+`{"label":"A","pattern":[{"TAG":"NN"},{"POS":"NOUN","SENT_START":false},{"MORPH":{"INTERSECTS":["Number=Sing"]}},{"LEMMA":{"REGEX":"e$"},"DEP":"obj"}]}`)
		}},
		{"… before them, or without them", small, rule(`[{"TAG":"NNP"}]`)},
		{"a rule with `HEAD`, `ENT_KB_ID` or `IS_STOP`", small, rule(`[{"IS_STOP":true}]`)},
		{"… that needs Python code, as an extension attribute does", small, rule(`[{"_":{"mine":true}}]`)},
		{"… with a `REGEX` that refers to a group, or has an atomic group", small, rule(`[{"LOWER":{"REGEX":"(a)\\1"}}]`)},
		{"… with a `REGEX` inside of a `FUZZY`, or the other way round", small, rule(`[{"LOWER":{"FUZZY":{"REGEX":"ab"}}}]`)},
		{"rulers without `ner`", small, func(f files) {
			set("config.cfg", `factory = "ner"`, `factory = "entity_ruler"`)(f)
			f["ner.jsonl"] = []byte(`{"label":"A","pattern":[{"LOWER":"paris"}]}`)
		}},
		{"a `span_ruler` without `annotate_ents`, and no `ner`", small, set("config.cfg", `factory = "ner"`, `factory = "span_ruler"`)},
		{"components of your own", small, last("mine", "my_factory")},
	} {
		f := row.tiny.files(t, 1)
		if row.change != nil {
			row.change(f)
		}
		p, err := openFiles(f, Options{})
		prefix := "open pipeline: "
		if _, ok := f["config.cfg"]; !ok { // what is there instead, a folder shows
			dir := t.TempDir()
			writeDir(t, dir, f)
			p, err = Open(dir, Options{})
			prefix = "open pipeline " + dir + ": "
		}
		says := "runs"
		switch {
		case err != nil:
			says = "refuses it: " + strings.TrimPrefix(err.Error(), prefix)
		case p.Check(0) != nil:
			says += ", but has no tokens and sentences: " + p.Check(0).Error()
		case row.tiny.parser && p.Check(ner.Sents) != nil:
			says += ", but has no sentences: " + strings.TrimPrefix(p.Check(ner.Sents).Error(), "the pipeline finds no sentences: ")
		}
		if err == nil {
			if _, err := p.Entities(t.Context(), "Tim Cook isn't in Paris."); err != nil {
				t.Errorf("%s: %v", row.what, err)
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", row.what, strings.ReplaceAll(says, "|", "\\|"))
	}

	const path, begin, end = "../../docs/engine.md", "<!-- made by TestTableOfWhatRuns -->\n\n", "\n<!-- end -->\n"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q or %q", path, begin, end)
	}
	if table == b.String() {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is not what runs; to write it: go test ./ner/spacy -run TestTableOfWhatRuns -update", path)
	}
	if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
