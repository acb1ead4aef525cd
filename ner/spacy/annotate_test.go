package spacy

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/ner"
)

const tagTexts = "Tim Cook isn't  in\nParis, he (or she?) is in the U.S. with 12 others: don't go there. Mice ran."

// testRule is a rule for rulesFile.
type testRule struct {
	patterns []any
	attrs    map[string]any
	index    int
}

// rulesFile returns the file of an attribute_ruler.
func rulesFile(t testing.TB, rules ...testRule) []byte {
	t.Helper()
	var list []any
	for _, r := range rules {
		list = append(list, map[string]any{"patterns": r.patterns, "attrs": r.attrs, "index": r.index})
	}
	b, err := msgp.AppendIntf(nil, list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pattern returns a pattern with one attribute of each of its tokens.
func pattern(attrs ...string) []any {
	var p []any
	for i := 0; i < len(attrs); i += 2 {
		p = append(p, map[string]any{attrs[i]: attrs[i+1]})
	}
	return p
}

// annotatedFiles returns the files of a pipeline with all components that set annotations.
func annotatedFiles(t testing.TB, seed uint64) map[string][]byte {
	s := small
	s.listen, s.parser = true, true
	files := s.files(t, seed)
	r := rand.New(rand.NewPCG(seed, 9))
	add := func(name, factory, settings string) {
		cfg := string(files["config.cfg"])
		cfg = strings.Replace(cfg, `"ner"]`, `"`+name+`","ner"]`, 1)
		files["config.cfg"] = []byte(cfg + "\n[components." + name + "]\nfactory = \"" + factory + "\"\n" + settings + "\n")
	}
	network := func(name string) string {
		return "[components." + name + ".model]\n@architectures = \"spacy.Tagger.v2\"\n\n" + s.networkConfig(name)
	}
	add("tagger", "tagger", network("tagger"))
	files["tagger/cfg"] = []byte(`{"labels":["NN","NNS","VB","JJ"],"overwrite":false}`)
	files["tagger/model"] = encodeNodes(s.tagNodes(r, 4))
	add("morph", "morphologizer", network("morph"))
	files["morph/cfg"] = []byte(`{"labels_morph":{"Number=Sing|POS=NOUN":"Number=Sing","POS=VERB":"","Number=Plur|POS=NOUN":"Number=Plur"},"labels_pos":{"Number=Sing|POS=NOUN":92,"POS=VERB":100,"Number=Plur|POS=NOUN":92},"overwrite":true,"extend":false}`)
	files["morph/model"] = encodeNodes(s.tagNodes(r, 3))
	add("rules", "attribute_ruler", "validate = false")
	files["rules/patterns"] = rulesFile(t,
		testRule{[]any{pattern("TAG", "NNS"), pattern("TAG", "JJ")}, map[string]any{"POS": "ADJ", "MORPH": "B=2|A=1"}, 0},
		testRule{[]any{pattern("LOWER", "tim", "LOWER", "cook")}, map[string]any{"POS": "PROPN"}, -1},
		testRule{[]any{pattern("LOWER", "tim", "LOWER", "cook")}, map[string]any{"TAG": "NNP", "LEMMA": "TIM", "DEP": "x"}, 0},
		testRule{[]any{pattern("POS", "NOUN", "POS", "PROPN")}, map[string]any{"LEMMA": "never: the patterns look at POS before the rules"}, 0},
	)
	add("lemmas", "lemmatizer", "mode = \"rule\"")
	files["lemmas/lookups/lookups.bin"] = lookupsFile(t, map[string]map[string]any{
		"lemma_rules": {"noun": []any{[]any{"s", ""}}, "verb": []any{[]any{"n", "N"}}, "adj": []any{[]any{"e", "E"}}},
	})
	return files
}

func TestAnnotations(t *testing.T) {
	tags := map[string]int{}
	for seed := range uint64(8) {
		p, err := openFiles(annotatedFiles(t, seed), Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareAnnotations(t, p, tags)

		// Without a recognizer the annotations are the same.
		files := annotatedFiles(t, seed)
		addComponent(t, files, "one", "entity_ruler", "")
		addFiles(files, []string{"one/cfg", "{}", "one/patterns.jsonl", `{"label":"X","pattern":"Tim"}`})
		without, err := openFiles(files, Options{Exclude: []string{"ner"}})
		if err != nil {
			t.Fatal(err)
		}
		compareAnnotations(t, without, tags)
		with, err := p.Analyze(t.Context(), tagTexts, ner.Annotations)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := without.Analyze(t.Context(), tagTexts, ner.Annotations)
		if err != nil || !slices.Equal(doc.Annotations, with.Annotations) {
			t.Errorf("without a recognizer: %v, %v; with it: %v", doc.Annotations, err, with.Annotations)
		}
	}
	if len(tags) < 4 {
		t.Errorf("the tags are %v: the test tries too little", tags)
	}
}

// compareAnnotations compares the annotations of tagTexts with what follows from the rules,
// and counts the tags.
func compareAnnotations(t *testing.T, p *Pipeline, tags map[string]int) {
	t.Helper()
	text := tagTexts
	doc, err := p.Analyze(t.Context(), text, ner.Annotations)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Has != ner.Annotations || doc.Sents != nil || len(doc.Annotations) != len(doc.Tokens) {
		t.Errorf("found %b, %v, %d annotations of %d tokens", doc.Has, doc.Sents, len(doc.Annotations), len(doc.Tokens))
	}
	for i, a := range doc.Annotations {
		word := text[doc.Tokens[i].Start:doc.Tokens[i].End]
		tags[a.Tag]++
		want := a
		switch {
		case i == 0:
			want.Tag, want.Lemma, want.Dep = "NNP", "TIM", "x"
		case i == 1:
			want.Pos = "PROPN"
		case a.Tag == "NNS" || a.Tag == "JJ":
			want.Pos, want.Morph = "ADJ", "A=1|B=2"
		case a.Pos == "VERB":
			want.Morph = ""
		case a.Morph != "Number=Sing":
			want.Pos, want.Morph = "NOUN", "Number=Plur"
		}
		lower, old, new := strings.ToLower(word), map[string]string{"NOUN": "s", "VERB": "n", "ADJ": "e"}[a.Pos], map[string]string{"VERB": "N", "ADJ": "E"}[a.Pos]
		stem, ends := strings.CutSuffix(lower, old)
		switch {
		case i == 0:
		case a.Pos == "PROPN":
			want.Lemma = word
		case a.Morph == "Number=Sing":
			want.Lemma = lower
		case ends && stem+new != "":
			want.Lemma = stem + new
		default:
			want.Lemma = word
		}
		if a != want {
			t.Errorf("%s: %+v, want %+v", word, a, want)
		}
	}

	// Each field alone is the same.
	for _, n := range annotationNames {
		one, err := p.Analyze(t.Context(), text, n.field)
		if err != nil {
			t.Fatal(err)
		}
		for i := range one.Annotations {
			want := ner.Annotation{}
			*field(&want, n.field) = *field(&doc.Annotations[i], n.field)
			if n.field == ner.Dep {
				want.Head = doc.Annotations[i].Head
			}
			if one.Annotations[i] != want || one.Has != n.field {
				t.Fatalf("%s alone: token %d is %+v, has %b, want %+v", n.what, i, one.Annotations[i], one.Has, want)
			}
		}
	}
	whole, err := p.Analyze(t.Context(), text, ner.Whole)
	if err != nil || whole.Has != ner.Annotations|ner.Sents || !slices.Equal(whole.Annotations, doc.Annotations) || len(whole.Sents) == 0 {
		t.Errorf("the whole doc: %v, has %b", err, whole.Has)
	}
	if plain, err := p.Analyze(t.Context(), text, 0); err != nil || plain.Annotations != nil || !slices.Equal(plain.Ents, whole.Ents) {
		t.Errorf("without annotations: %v, %v", plain.Annotations, err)
	}
	if empty, err := p.Analyze(t.Context(), "", ner.Whole); err != nil || len(empty.Annotations) != 0 || empty.Has&ner.Sents == 0 {
		t.Errorf("an empty text: %+v, %v", empty, err)
	}
}

// A text of several pieces has the annotations that each piece has where its neighbours are
// the same.
func TestAnnotationsOfLongText(t *testing.T) {
	p, err := openFiles(annotatedFiles(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const word = "mice "
	doc, err := p.Analyze(t.Context(), strings.Repeat(word, 3*encodeRows), ner.Tag|ner.Pos|ner.Morph|ner.Lemma)
	if err != nil {
		t.Fatal(err)
	}
	for i := 10; i < len(doc.Annotations)-10; i++ {
		if doc.Annotations[i] != doc.Annotations[10] {
			t.Fatalf("token %d has %+v, token 10 %+v", i, doc.Annotations[i], doc.Annotations[10])
		}
	}
}

// Close decisions of a tagger are made again with long sums.
func TestTagsWithLongSums(t *testing.T) {
	p, err := openFiles(annotatedFiles(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Analyze(t.Context(), tagTexts, ner.Tag)
	if err != nil {
		t.Fatal(err)
	}
	p.annotators.list[1].run.(*tagger).closest = 100
	got, err := p.Analyze(t.Context(), tagTexts, ner.Tag)
	if err != nil || !slices.Equal(got.Annotations, want.Annotations) {
		t.Errorf("with long sums %v, %v, want %v", got.Annotations, err, want.Annotations)
	}
}

func TestMorphologizerSettings(t *testing.T) {
	for _, c := range []struct {
		overwrite, extend bool
		pos, morph        string
		want, wantPos     string
	}{
		{true, false, "X", "A=1", "A=2|B=1", "NOUN"},
		{false, false, "X", "A=1", "A=1", "X"},
		{false, false, "", "", "A=2|B=1", "NOUN"},
		{false, false, "", morph.None, morph.None, "NOUN"},
		{true, true, "X", "A=1|C=3", "A=2|B=1|C=3", "NOUN"},
		{false, true, "X", "A=1|C=3", "A=1|B=1|C=3", "X"},
		{false, true, "X", morph.None, "A=2|B=1", "X"},
	} {
		files := annotatedFiles(t, 1)
		files["morph/cfg"] = fmt.Appendf(nil, `{"labels_morph":{"x":"B=1|A=2","y":"A=2|B=1","z":"A=2|B=1"},"labels_pos":{"x":92,"y":92,"z":92},"overwrite":%v,"extend":%v}`, c.overwrite, c.extend)
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := p.annotators.needed(ner.Pos)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(a annotating) bool { return a.factory == "morphologizer" })
		w, err := p.begin(t.Context(), "One word")
		if err != nil {
			t.Fatal(err)
		}
		out := []ner.Annotation{{Pos: c.pos, Morph: c.morph}, {Pos: c.pos, Morph: c.morph}}
		if err := list[i].run.annotate(t.Context(), w, out); err != nil || out[0].Morph != c.want || out[0].Pos != c.wantPos {
			t.Errorf("%+v: %+v, %v", c, out[0], err)
		}
		p.putWork(w)
	}
}

// What a pipeline lacks is named.
func TestCheckAnnotations(t *testing.T) {
	edited := func(name, old, new string) func(map[string][]byte) {
		return func(f map[string][]byte) { edit(t, f, name, old, new) }
	}
	for _, c := range []struct {
		what    string
		change  func(files map[string][]byte)
		exclude []string
		want    ner.Want
		err     string
	}{
		{"all is there", nil, nil, ner.Annotations, ""},
		{"no tagger", nil, []string{"tagger", "rules"}, ner.Tag, `the pipeline finds no tags: "tagger" is excluded`},
		{"nobody sets tags, but a ruler can", nil, []string{"tagger"}, ner.Tag, ""},
		{"no lemmatizer", nil, []string{"lemmas", "rules"}, ner.Lemma, `the pipeline finds no lemmas: "lemmas" is excluded`},
		{"no parser", nil, []string{"parser", "rules"}, ner.Dep, `the pipeline finds no dependencies: "parser" is excluded`},
		{"no parts of speech", nil, []string{"morph", "rules"}, ner.Pos, `the pipeline finds no parts of speech: "morph" is excluded, "rules" is excluded`},
		{"no features", edited("config.cfg", `"morph",`, ""), []string{"rules"}, ner.Morph, `the pipeline finds no features: "rules" is excluded`},
		{"what is missing is left out of the whole", nil, []string{"parser", "tagger", "rules", "lemmas", "morph"}, ner.Whole, ""},
		{"a disabled tagger", edited("config.cfg", "disabled = []", `disabled = ["tagger","rules"]`), nil, ner.Tag, `the pipeline finds no tags: "tagger" is disabled in config.cfg`},
		{"a file that was not installed", func(f map[string][]byte) { delete(f, "tagger/model") }, nil, ner.Tag, `component "tagger": read tagger/model: `},
		{"no tables", func(f map[string][]byte) { delete(f, "lemmas/lookups/lookups.bin") }, nil, ner.Whole, `component "lemmas": read lemmas/lookups/lookups.bin: `},
		{"tables that nobody asks for", func(f map[string][]byte) { delete(f, "lemmas/lookups/lookups.bin") }, nil, ner.Tag, ""},
		{"the lemmatizer needs parts of speech", func(f map[string][]byte) { delete(f, "morph/model") }, nil, ner.Lemma, `component "morph": read morph/model: `},
		{"labels that do not fit", edited("tagger/cfg", `"NN",`, ""), nil, ner.Tag, "tagger/model: layer 1 (softmax): W has shape [4 8], want [3 8]"},
		{"no labels", func(f map[string][]byte) { f["tagger/cfg"] = []byte("{}") }, nil, ner.Tag, "tagger/cfg: no labels: the component was not trained"},
		{"a bad part of speech", edited("morph/cfg", "100", "7"), nil, ner.Pos, `morph/cfg: labels_pos: "POS=VERB": 7 is not the number of a part of speech`},
		{"bad features", edited("morph/cfg", `"Number=Plur"}`, `"Plur"}`), nil, ner.Morph, `morph/cfg: labels_morph: the features "Plur" have "Plur", want Field=Value`},
		{"another mode", edited("config.cfg", `mode = "rule"`, `mode = "pymorphy3"`), nil, ner.Lemma, `config.cfg: [components.lemmas] mode is "pymorphy3": can run only rule, lookup`},
		{"a table for another mode", edited("config.cfg", `mode = "rule"`, `mode = "lookup"`), nil, ner.Lemma, "lemmas/lookups/lookups.bin: no table lemma_lookup"},
		{"edit trees", edited("config.cfg", `factory = "lemmatizer"`, `factory = "trainable_lemmatizer"`), nil, ner.Lemma, `component "lemmas" (factory trainable_lemmatizer) is not implemented: exclude it`},
		{"another network", edited("config.cfg", "factory = \"tagger\"\n[components.tagger.model]\n@architectures = \"spacy.Tagger.v2\"", "factory = \"tagger\"\n[components.tagger.model]\n@architectures = \"mine.v1\""), nil, ner.Tag, "config.cfg: [components.tagger.model] @architectures is mine.v1: can run only spacy.Tagger.v2"},
		{"a pattern with entities", func(f map[string][]byte) {
			f["rules/patterns"] = rulesFile(t, testRule{[]any{pattern("ENT_TYPE", "ORG")}, map[string]any{"TAG": "X"}, 0})
		}, nil, ner.Tag, "rules/patterns: rule 1: token 1 of the pattern: the attribute ENT_TYPE is not implemented in a component that sets annotations"},
		{"a pattern with features that are none", func(f map[string][]byte) {
			f["rules/patterns"] = rulesFile(t, testRule{[]any{[]any{map[string]any{"MORPH": map[string]any{"IS_SUPERSET": []any{"A"}}}}}, map[string]any{"TAG": "X"}, 0})
		}, nil, ner.Tag, `rules/patterns: rule 1: token 1 of the pattern: MORPH: IS_SUPERSET: the features "A" have "A", want Field=Value`},
		{"a part of speech that is none", func(f map[string][]byte) {
			f["rules/patterns"] = rulesFile(t, testRule{nil, map[string]any{"POS": "NOUNS"}, 0})
		}, nil, ner.Tag, `rules/patterns: rule 1: POS: "NOUNS" is not a part of speech`},
		{"classes of texts", edited("config.cfg", `factory = "lemmatizer"`, `factory = "textcat"`), nil, ner.Whole, `component "lemmas" (factory textcat) sets Doc.cats, which is not implemented: exclude "lemmas"`},
		{"a label with three parts", func(f map[string][]byte) {
			f["parser/moves"] = movesFile(map[int][]string{moveShift: {""}, moveReduce: {""}, moveLeft: {"a||b||c", "det"}, moveRight: {"obj"}, moveBreak: {"ROOT"}})
		}, nil, ner.Dep, `parser/moves: the label "a||b||c" has || twice`},
	} {
		files := annotatedFiles(t, 1)
		if c.change != nil {
			c.change(files)
		}
		p, err := openFiles(files, Options{Exclude: c.exclude})
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		err = p.Check(c.want)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %s", c.what, err, c.err)
		}
		if _, again := p.Analyze(t.Context(), tagTexts, c.want); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("%s: Analyze says %v, Check %v", c.what, again, err)
		}
		if _, err := p.Entities(t.Context(), tagTexts); err != nil {
			t.Errorf("%s: entities: %v", c.what, err)
		}
	}
}

// A rule for a token that its match does not have fails as in spaCy.
func TestRuleOutsideOfMatch(t *testing.T) {
	files := annotatedFiles(t, 1)
	files["rules/patterns"] = rulesFile(t, testRule{[]any{pattern("LOWER", "mice")}, map[string]any{"TAG": "X"}, 1})
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Analyze(t.Context(), "No cats.", ner.Tag); err != nil {
		t.Error(err)
	}
	if _, err := p.Analyze(t.Context(), "Two mice.", ner.Tag); err == nil || !strings.Contains(err.Error(), `component "rules": rule 1 is for token 1 of a match, and matches 1 tokens`) {
		t.Errorf("a match: %v", err)
	}
}

// The files of the folder that was opened are read, also when another pipeline has taken its
// name since.
func TestAnnotationsOfReplacedFolder(t *testing.T) {
	ruler := false
	write := func(dir string, seed uint64) {
		files := annotatedFiles(t, seed)
		if ruler { // it needs some of the files when the pipeline is opened
			withRuler(t, files, "", "{}", `{"label":"X","pattern":[{"TAG":"NN"}]}`)
		}
		for name, data := range files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, exclude := range [][]string{nil, {"parser"}, nil, {"parser"}} {
		ruler = i > 1
		dir := filepath.Join(t.TempDir(), "tiny")
		write(dir, 1)
		want, err := Open(dir, Options{Exclude: exclude})
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		first, err := want.Analyze(t.Context(), tagTexts, ner.Whole)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Open(dir, Options{Exclude: exclude})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := os.Rename(dir, dir+".old"); err != nil {
			t.Fatal(err)
		}
		write(dir, 2)
		got, err := p.Analyze(t.Context(), tagTexts, ner.Whole)
		if err != nil || !slices.Equal(got.Annotations, first.Annotations) || !slices.Equal(got.Ents, first.Ents) {
			t.Errorf("exclude %v: %v, %v, want %v", exclude, got, err, first.Annotations)
		}
		if err := os.RemoveAll(dir + ".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
