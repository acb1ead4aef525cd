package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// tagged is an Analyzer that finds one token in each text.
type tagged struct{ err error }

func (t tagged) Entities(context.Context, string) ([]ner.Entity, error) { return nil, nil }
func (t tagged) Check(ner.Want) error                                   { return t.err }
func (t tagged) Analyze(_ context.Context, text string, want ner.Want) (*ner.Doc, error) {
	if text == "bad" {
		return nil, errors.New("out of order")
	}
	return &ner.Doc{Tokens: []ner.Token{{End: len(text), RuneEnd: len(text)}}, Annotations: []ner.Annotation{{Tag: "NN"}}, Has: ner.Tag}, nil
}

func TestDocs(t *testing.T) {
	for _, c := range []struct {
		rec  ner.Recognizer
		text string
		out  string
		err  string
	}{
		{tagged{}, "Ada", `{"text":"Ada","ents":[],"tokens":[{"id":0,"start":0,"end":3,"tag":"NN"}]}` + "\n", ""},
		{tagged{}, "bad", "", "the text: out of order"},
		{tagged{}, "\xff", "", "the text: "},
		{tagged{errors.New("no tagger")}, "Ada", "", "--doc: no tagger"},
		{capitals{}, "Ada", "", "--doc: the model finds only entities"},
	} {
		var out bytes.Buffer
		err := nerDocs(t.Context(), c.rec, input{text: c.text}, nil, &out)
		if out.String() != c.out || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)) {
			t.Errorf("%q: %q, %v, want %q, %s", c.text, &out, err, c.out, c.err)
		}
	}
}
