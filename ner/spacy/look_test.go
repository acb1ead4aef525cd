package spacy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// withRuler adds an entity_ruler to the files of annotatedFiles: before a component, or at the
// end. rules has its file.
func withRuler(t *testing.T, files map[string][]byte, before, settings, rules string) {
	t.Helper()
	addComponentLast(t, files, "ruler", "entity_ruler")
	if before != "" {
		edit(t, files, "config.cfg", `,"ruler"]`, "]")
		edit(t, files, "config.cfg", `"`+before+`"`, `"ruler","`+before+`"`)
	}
	addFiles(files, []string{"ruler/cfg", settings, "ruler/patterns.jsonl", rules})
}

// labelled returns the texts of the entities with the label X.
func labelled(ents []ner.Entity) (texts []string) {
	for _, e := range ents {
		if e.Label == "X" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// TestRulersSeeAnnotations puts a ruler at every place of a pipeline. Its rules see what the
// same pipeline finds without the components after the ruler.
func TestRulersSeeAnnotations(t *testing.T) {
	order := []string{"parser", "tagger", "morph", "rules", "lemmas", "ner", ""}
	compared := 0
	for i, place := range order {
		var later []string
		for _, name := range order[i:] {
			if name != "ner" && name != "" {
				later = append(later, name)
			}
		}
		earlier, err := openFiles(annotatedFiles(t, 1), Options{Exclude: later})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := earlier.Analyze(t.Context(), tagTexts, ner.Whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range annotationNames {
			values := map[string]bool{}
			for j := range doc.Annotations {
				values[*field(&doc.Annotations[j], n.field)] = true
			}
			for value := range values {
				var want []string
				for j := range doc.Annotations {
					if *field(&doc.Annotations[j], n.field) == value {
						want = append(want, tagTexts[doc.Tokens[j].Start:doc.Tokens[j].End])
					}
				}
				rule := fmt.Sprintf(`{"label":"X","pattern":[{%q:{"IN":[%q]}}]}`, n.attr, value)
				if n.attr == "MORPH" {
					rule = fmt.Sprintf(`{"label":"X","pattern":[{"MORPH":{"IS_SUPERSET":%s,"REGEX":"^(%s)$"}}]}`, strings.ReplaceAll(fmt.Sprintf("[%q]", strings.ReplaceAll(value, "|", `","`)), `\"`, `"`), strings.ReplaceAll(value, "|", `\\|`))
					if value == "" {
						rule = `{"label":"X","pattern":[{"MORPH":{"IS_SUBSET":[]}}]}`
					}
				}
				files := annotatedFiles(t, 1)
				withRuler(t, files, place, "{}", rule)
				p, err := openFiles(files, Options{Exclude: []string{"ner"}})
				if err != nil {
					t.Fatalf("before %q: %s: %v", place, rule, err)
				}
				ents, err := p.Entities(t.Context(), tagTexts)
				if got := labelled(ents); err != nil || !slices.Equal(got, want) {
					t.Errorf("before %q: %s: got %q, %v, want %q", place, rule, got, err, want)
				}
				all, err := p.Analyze(t.Context(), tagTexts, ner.Whole)
				if err != nil || !slices.Equal(all.Ents, ents) {
					t.Errorf("before %q: %s: Analyze finds %v, %v, Entities %v", place, rule, all.Ents, err, ents)
				}
				compared += len(want)
			}
		}
	}
	if compared < 500 {
		t.Errorf("compared %d tokens: the test tries too little", compared)
	}
}

// Two rulers see what comes before each of them, beside the recognizer, in a long text, too.
func TestTwoRulersSeeAnnotations(t *testing.T) {
	text := strings.Repeat("Tim Cook sells mice. ", longText)
	files := annotatedFiles(t, 1)
	withRuler(t, files, "rules", `{"overwrite":true}`, `{"label":"X","pattern":[{"TAG":"NNP","LOWER":"tim"}]}`+"\n"+`{"label":"X","pattern":[{"TAG":{"NOT_IN":["NNP"]},"LOWER":"mice"}]}`)
	addComponentLast(t, files, "last", "entity_ruler")
	addFiles(files, []string{"last.jsonl", `{"label":"X","pattern":[{"TAG":"NNP"},{"POS":"PROPN"}]}`})
	edit(t, files, "config.cfg", "[components.last]\nfactory = \"entity_ruler\"\n", "[components.last]\nfactory = \"entity_ruler\"\noverwrite_ents = true\n")
	for _, exclude := range [][]string{nil, {"ner"}, {"parser"}} {
		p, err := openFiles(files, Options{Exclude: exclude})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"Tim Cook sells mice.", text, "", "Tim Cook sells mice."} {
			want := slices.Repeat([]string{"Tim Cook", "mice"}, strings.Count(text, "Tim"))
			ents, err := p.Entities(t.Context(), text)
			if got := labelled(ents); err != nil || !slices.Equal(got, want) {
				t.Errorf("without %q: %.40q: got %d of %.80q, %v, want %d", exclude, text, len(got), got, err, len(want))
			}
			for _, w := range []ner.Want{0, ner.Tag, ner.Lemma} {
				if doc, err := p.Analyze(t.Context(), text, w); err != nil || !slices.Equal(doc.Ents, ents) || w == 0 && doc.Annotations != nil {
					t.Errorf("without %q: %.40q: Analyze finds others: %v", exclude, text, err)
				}
			}
		}
	}
}

// Nothing is read or computed that no rule looks at.
func TestRulersSeeWhatTheyNeed(t *testing.T) {
	for rule, want := range map[string]string{
		`{"label":"X","pattern":[{"LOWER":"a"}]}`:                 "",
		`{"label":"X","pattern":[{"SENT_START":true}]}`:           "",
		`{"label":"X","pattern":"a"}`:                             "",
		`{"label":"X","pattern":[{"TAG":"NN"}]}`:                  "tagger morph rules",
		`{"label":"X","pattern":[{"DEP":{"NOT_IN":["nsubj"]}}]}`:  "parser tagger morph rules",
		`{"label":"X","pattern":[{"LEMMA":{"REGEX":"a"}}]}`:       "tagger morph rules lemmas",
		`{"label":"X","pattern":[{"POS":"NOUN","MORPH":"_"},{}]}`: "tagger morph rules",
	} {
		files := annotatedFiles(t, 1)
		withRuler(t, files, "ner", "{}", rule)
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range p.looks {
			got = append(got, c.name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q run, want %q", rule, got, want)
		}
		for _, c := range p.annotators.list {
			if c.known && !slices.Contains(got, c.name) && c.factory != "attribute_ruler" {
				t.Errorf("%s: %q was read", rule, c.name)
			}
		}
	}
}

// What spaCy refuses is refused, and a text for which it fails fails.
func TestRulersWithoutAnnotations(t *testing.T) {
	const tag, lemma = `{"label":"X","pattern":[{"TAG":"NN"}]}`, `{"label":"X","pattern":[{"lemma":"be","ENT_TYPE":""}]}`
	const without, or = "save the pipeline without these rules", `, or exclude "ruler"`
	for _, c := range []struct {
		what, before, settings, rules string
		exclude                       []string
		change                        func(map[string][]byte)
		err                           string
	}{
		{"before the tagger", "tagger", "{}", tag, nil, nil, `component "ruler": its rules have TAG, for which spaCy fails: "tagger", which sets it, comes later: save the pipeline in another order, or without these rules` + or},
		{"without the lemmatizer", "", "{}", lemma, []string{"lemmas", "rules"}, nil, `component "ruler": its rules have LEMMA, for which spaCy fails: the pipeline finds no lemmas: "lemmas" is excluded: ` + without + or},
		{"an operator", "tagger", "{}", `{"label":"X","pattern":[{"TAG":{"IN":["NN"]}}]}`, nil, nil, ""},
		{"phrases without tags", "tagger", `{"phrase_matcher_attr":"TAG"}`, `{"label":"X","pattern":"Tim"}`, nil, nil, `its rules have TAG, for which spaCy fails: "tagger"`},
		{"no phrases", "tagger", `{"phrase_matcher_attr":"TAG"}`, `{"label":"X","pattern":[{}]}`, nil, nil, ""},
		{"an empty phrase", "tagger", `{"phrase_matcher_attr":"TAG"}`, `{"label":"X","pattern":""}`, nil, nil, ""},
		{"a phrase that has none", "", `{"phrase_matcher_attr":"TAG"}`, `{"label":"X","pattern":"Tim Cook"}` + "\n" + `{"label":"X","pattern":"cats"}`, []string{"tagger"}, nil,
			`ruler/patterns.jsonl: line 2: no token of the phrase "cats" has TAG, by which phrases are compared (phrase_matcher_attr): save the pipeline without this rule` + or},
		{"a broken tagger", "", "{}", tag, nil, func(f map[string][]byte) { delete(f, "tagger/model") }, `component "ruler": its rules need another component: component "tagger": read tagger/model: `},
		{"a broken tagger that comes later", "tagger", "{}", `{"label":"X","pattern":[{"TAG":{"IN":["NN"]}}]}`, nil, func(f map[string][]byte) { delete(f, "tagger/model") }, ""},
		{"edit trees", "", "{}", lemma, nil, func(f map[string][]byte) {
			edit(t, f, "config.cfg", `factory = "lemmatizer"`, `factory = "trainable_lemmatizer"`)
		}, `component "ruler": its rules need another component: component "lemmas" (factory trainable_lemmatizer) is not implemented: exclude it: ` + without + or},
		{"sentences by a beam", "", "{}", `{"label":"X","pattern":[{"SENT_START":true}]}`, nil, func(f map[string][]byte) {
			edit(t, f, "config.cfg", `"parser",`, "")
			edit(t, f, "config.cfg", `"ner","ruler"`, `"ner","parser","ruler"`)
			edit(t, f, "config.cfg", `factory = "parser"`, `factory = "beam_parser"`)
		}, `component "ruler": its rules have SENT_START, and the pipeline finds no sentences: component "parser" (factory beam_parser) finds sentences with a beam search, `},
	} {
		files := annotatedFiles(t, 1)
		withRuler(t, files, c.before, c.settings, c.rules)
		if c.change != nil {
			c.change(files)
		}
		_, err := openFiles(files, Options{Exclude: c.exclude})
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %s", c.what, err, c.err)
		}
	}

	files := annotatedFiles(t, 1)
	withRuler(t, files, "", "{}", tag)
	p, err := openFiles(files, Options{Exclude: []string{"tagger"}}) // only "Tim" gets a tag
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"Tim Cook": "", "": "", "Tim": `component "ruler": no token of this text has TAG, and for such a text the rules fail in spaCy, too`} {
		if _, err := p.Entities(t.Context(), text); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if _, err := p.Analyze(t.Context(), text, ner.Lemma); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%q: Analyze: %v, want %s", text, err, want)
		}
	}
}

func TestPhrasesByAnnotation(t *testing.T) {
	files := annotatedFiles(t, 1)
	withRuler(t, files, "", `{"phrase_matcher_attr":"TAG","overwrite":true}`, `{"label":"X","pattern":"tim cook"}`)
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const text = "Mice and TIM COOK, and cats"
	doc, err := p.Analyze(t.Context(), text, ner.Tag)
	if err != nil {
		t.Fatal(err)
	}
	phrase, err := p.Analyze(t.Context(), "tim cook", ner.Tag)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := 0; i+1 < len(doc.Tokens); i++ {
		if doc.Annotations[i].Tag == phrase.Annotations[0].Tag && doc.Annotations[i+1].Tag == phrase.Annotations[1].Tag {
			want = append(want, text[doc.Tokens[i].Start:doc.Tokens[i+1].End])
			i++
		}
	}
	if got := labelled(doc.Ents); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("phrases with the tags of %q are %q, want %q", "tim cook", got, want)
	}
}

func TestRulersSeeSentences(t *testing.T) {
	const text = "Mice ran. Cats did not. "
	rule := `{"label":"X","pattern":[{"SENT_START":true}]}`
	for _, c := range []struct{ what, before, text, want string }{
		{"after the sentencizer", "", text, "Mice Cats"},
		{"before it", "sents", text, "Mice"},
		{"before it, where the tokenizer has replaced the first token", "sents", "(:foo y", ""},
		{"after it", "", "(:foo y", "(:"},
		{"before it, where a special case has replaced itself", "sents", "'... x y", ""},
		{"before it, where it is the whole word", "sents", "'' x y", "''"},
		{"nothing", "", "", ""},
	} {
		files := small.files(t, 1)
		addComponent(t, files, "sents", "sentencizer", "")
		files["sents.json"] = []byte(`{"punct_chars":["."]}`)
		withRuler(t, files, c.before, `{"overwrite":true}`, rule)
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ents, err := p.Entities(t.Context(), c.text)
		if got := strings.Join(labelled(ents), " "); err != nil || got != c.want {
			t.Errorf("%s: %q: got %q, %v, want %q", c.what, c.text, got, err, c.want)
		}
	}

	// A parser after the recognizer finds sentences for the ruler after it, although a later
	// component changes the tokens.
	s := small
	s.parser = true
	files := s.files(t, 1)
	withRuler(t, files, "", `{"overwrite":true}`, rule+"\n"+`{"label":"X","pattern":[{"DEP":{"IN":["never"]}}]}`)
	edit(t, files, "config.cfg", `"parser","ner"`, `"ner","parser"`)
	plain, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	edit(t, files, "config.cfg", `"ruler"]`, `"ruler","merge"]`)
	files["config.cfg"] = append(files["config.cfg"], "\n[components.merge]\nfactory = \"merge_entities\"\n"...)
	merged, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := plain.Analyze(t.Context(), tagTexts, ner.Sents)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range doc.Sents {
		want = append(want, tagTexts[doc.Tokens[s.Start].Start:doc.Tokens[s.Start].End])
	}
	for _, p := range []*Pipeline{plain, merged} {
		ents, err := p.Entities(t.Context(), tagTexts)
		if got := labelled(ents); err != nil || len(want) < 2 || !slices.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}
