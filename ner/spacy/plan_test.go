package spacy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The plan has the components that run, in their order. A listener reads the vectors of the
// last tok2vec component before it, as in spaCy, whatever name it has for it.
func TestPlan(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		want   []component
	}{
		`after both tok2vec components, "*" is the last one`: {`
[nlp]
lang = "en"
pipeline = ["rules","first","tagger","last","entities","sentences"]
[components.rules]
factory = "attribute_ruler"
[components.first]
factory = "tok2vec"
[components.tagger]
factory = "tagger"
[components.last]
factory = "tok2vec"
[components.entities]
factory = "ner"
[components.entities.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
upstream = "*"
[components.sentences]
factory = "parser"
[components.sentences.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
upstream = "last"
`, []component{
			{name: "rules", factory: "attribute_ruler"},
			{name: "entities", factory: "ner", listensTo: "last", place: 4},
			{name: "sentences", factory: "parser", listensTo: "last", place: 5},
		}},
		"a listener after each tok2vec component": {`
[nlp]
lang = "en"
pipeline = ["first","senter","last","ner"]
[components.first]
factory = "tok2vec"
[components.senter]
factory = "senter"
[components.senter.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
upstream = "*"
[components.last]
factory = "tok2vec"
[components.ner]
factory = "ner"
[components.ner.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
upstream = "first"
`, []component{
			{name: "senter", factory: "senter", listensTo: "first", place: 1},
			{name: "ner", factory: "ner", listensTo: "last", place: 3},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := parseConfig([]byte(test.config))
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.plan(nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.run, cmp.AllowUnexported(component{})); diff != "" || got.noTokens != nil || got.noSents != nil {
				t.Errorf("plan (%v, %v), -want +got:\n%s", got.noTokens, got.noSents, diff)
			}
		})
	}
}
