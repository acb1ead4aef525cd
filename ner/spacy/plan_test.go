package spacy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlan has a config with two tok2vec components: "*" means the last one.
func TestPlan(t *testing.T) {
	cfg, err := parseConfig([]byte(`
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
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.plan(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []component{
		{name: "rules", factory: "attribute_ruler"},
		{name: "entities", factory: "ner", listensTo: "last"},
		{name: "sentences", factory: "parser", listensTo: "last"},
	}
	if diff := cmp.Diff(want, got.run, cmp.AllowUnexported(component{})); diff != "" || got.noTokens != nil || got.noSents != nil {
		t.Errorf("plan (%v, %v), -want +got:\n%s", got.noTokens, got.noSents, diff)
	}
}

// TestPlanOfTwoNetworks has a listener after each of two tok2vec components. In spaCy a
// listener reads the vectors of the last tok2vec component before it, whatever name it has
// for it.
func TestPlanOfTwoNetworks(t *testing.T) {
	cfg, err := parseConfig([]byte(`
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
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.plan(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []component{
		{name: "senter", factory: "senter", listensTo: "first"},
		{name: "ner", factory: "ner", listensTo: "last"},
	}
	if diff := cmp.Diff(want, got.run, cmp.AllowUnexported(component{})); diff != "" {
		t.Errorf("plan, -want +got:\n%s", diff)
	}
}
