package spacy

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// FuzzAttributeRuler checks that any file of rules is run, or is an error. A rule that cannot
// be run, or matches too much, is an error, too.
func FuzzAttributeRuler(f *testing.F) {
	f.Add(rulesFile(f,
		testRule{[]any{pattern("TAG", "NNS"), pattern("LOWER", "mice", "POS", "VERB")}, map[string]any{"POS": "ADJ", "MORPH": "B=2|A=1"}, 0},
		testRule{[]any{[]any{map[string]any{"MORPH": map[string]any{"IS_SUBSET": []any{"A=1"}}, "OP": "+"}}}, map[string]any{"TAG": "X", "LEMMA": "y", "DEP": "z"}, -1}))
	f.Add(rulesFile(f))
	p, err := openFiles(tinyAnnotated(f), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(readModelFile(f, "attribute_ruler/patterns")[:2000])
	lang := &matcher.Language{Tokenizer: p.tokenizer, Norms: func() (map[uint64]string, error) { return nil, nil }, OnlyAnnotations: true}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &loader{src: func(string) ([]byte, error) { return data, nil }}
		checked := l.checkRules("rules")
		r, err := newAttributeRuler("rules", data, lang)
		if err != nil {
			return
		}
		if checked != nil && len(data) > 0 && !strings.Contains(checked.Error(), "a rule sets") {
			t.Errorf("checkRules says %v, newAttributeRuler nothing", checked)
		}
		w, err := p.begin(t.Context(), tagTexts)
		if err != nil {
			t.Fatal(err)
		}
		defer p.putWork(w)
		out := make([]ner.Annotation, len(w.tokens))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.annotate(ctx, w, out); err != nil && !strings.Contains(err.Error(), `component "rules": `) {
			t.Error(err)
		}
	})
}

// tinyAnnotated returns a pipeline with a ruler only, for its tokenizer.
func tinyAnnotated(t testing.TB) map[string][]byte {
	return tiny{width: 2, depth: 1, pieces: 2, columns: []string{"NORM"}, rows: []int{2}, hidden: 2, labels: []string{"A"}}.files(t, 1)
}

// FuzzTagModel checks that any model chooses tags, or is an error.
func FuzzTagModel(f *testing.F) {
	s := tiny{width: 2, depth: 1, pieces: 2, columns: []string{"NORM"}, rows: []int{2}, hidden: 2}
	f.Add(encodeNodes(s.tagNodes(rand.New(rand.NewPCG(1, 0)), 2)))
	s.listen = true
	f.Add(encodeNodes(s.tagNodes(rand.New(rand.NewPCG(1, 0)), 2)))
	f.Add(encodeNodes(nil))
	const text = "Tim Cook"
	tokens := []Token{{End: 3, RuneEnd: 3, Space: true, Norm: 1}, {Start: 4, End: 8, RuneStart: 4, RuneEnd: 8, Norm: 1 << 63}}
	f.Fuzz(func(t *testing.T, data []byte) {
		layers, err := parseModel(data)
		if err != nil {
			return
		}
		m, err := newTagModel(layers, 2, nil, nil, -1)
		if err != nil {
			return
		}
		out := make([]ner.Annotation, len(tokens))
		w := &work{text: text, tokens: tokens}
		if err := (&tagger{m, []string{"A", "B"}, true}).annotate(t.Context(), w, out); err != nil {
			t.Error(err)
		}
	})
}

// FuzzTaggerCfg checks that any file cfg of a tagger or morphologizer has labels, or is an
// error.
func FuzzTaggerCfg(f *testing.F) {
	f.Add([]byte(`{"labels":["NN","NNS"],"overwrite":false}`), "A=1")
	f.Add([]byte(`{"labels_morph":{"Number=Sing|POS=NOUN":"Number=Sing","POS=VERB":""},"labels_pos":{"Number=Sing|POS=NOUN":92,"POS=VERB":100},"overwrite":true,"extend":true}`), "Number=Plur")
	f.Add([]byte(`{"labels_morph":{"a":"b=2,1|c=","d":1},"labels_pos":{}}`), "_")
	f.Fuzz(func(t *testing.T, data []byte, feats string) {
		var tags taggerCfg
		_ = json.Unmarshal(data, &tags)
		var cfg morphologizerCfg
		if json.Unmarshal(data, &cfg) != nil {
			return
		}
		labels, err := cfg.labels()
		if err != nil {
			return
		}
		m := &morphologizer{overwrite: cfg.Overwrite, extend: true}
		for _, l := range labels {
			if again, err := morph.Parse(l.morph); err != nil || again.String() != l.morph {
				t.Errorf("%q is %q, %v, after it was read again", l.morph, again.String(), err)
			}
			a := ner.Annotation{Morph: feats}
			if _, err := morph.Parse(feats); err == nil && m.extendFeats(&a, l.feats) != nil {
				t.Errorf("%q cannot be added to %q", l.morph, feats)
			}
		}
	})
}

// A rule can have a field twice. Then the last value counts, as in Python.
func TestRuleWithFieldTwice(t *testing.T) {
	b := msgp.AppendMapHeader(msgp.AppendArrayHeader(nil, 1), 1)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "attrs"), 3)
	for _, s := range []string{"TAG", "A", "DEP", "x", "TAG", "B"} {
		b = msgp.AppendString(b, s)
	}
	r, err := newAttributeRuler("rules", b, &matcher.Language{})
	if want := []annotated{{ner.Tag, "B"}, {ner.Dep, "x"}}; err != nil || !slices.Equal(r.rules[0].set, want) {
		t.Errorf("%v, %v, want %v", r, err, want)
	}
}
