package web

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
)

// postV1 returns a request of /v1/entities with so many texts.
func postV1(texts int) string {
	body := `{"texts":["a"` + strings.Repeat(`,"a"`, texts-1) + "]}"
	return fmt.Sprintf("POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestMostTexts(t *testing.T) {
	s := serve(t, gate.Options{}, Options{Recognizer: fake{}})
	if answer := s.dial(t).want(200, postV1(mostTexts)); strings.Count(answer, `{"ents":`) != mostTexts {
		t.Errorf("of %d texts: %s", mostTexts, answer)
	}
	if answer := s.dial(t).want(422, postV1(mostTexts+1)); !strings.Contains(answer, "more than 256 items") {
		t.Errorf("of one text more: %s", answer)
	}
}

// bare is a recognizer that finds only entities, sentless one that finds tokens, too, and
// joining one that joins its tokens.
type bare struct{ ner.Recognizer }

type joining struct{ ner.Analyzer }

func (joining) Check(ner.Want) error { return errors.New("merge joins tokens") }

type sentless struct{ ner.Analyzer }

func (sentless) Check(want ner.Want) error {
	if want&ner.Sents != 0 {
		return errors.New("there is no parser")
	}
	return nil
}

// A model that does not find what a request wants to be included is not asked for it.
func TestIncludeWhatTheModelLacks(t *testing.T) {
	for _, test := range []struct {
		r       ner.Recognizer
		include string
		status  int
		want    string
	}{
		{bare{fake{}}, `[]`, 200, `{"model":"","ents":[{"text":"Ada","label":"LAST","start":0,"end":3}]}`},
		{bare{fake{}}, `["tokens"]`, 422, "`include` has tokens, but the model finds only entities"},
		{sentless{fake{}}, `["tokens"]`, 200, `"tokens":[{"start":0,"end":3}]}`},
		{joining{fake{}}, `["sents"]`, 422, "`include` has sents, but merge joins tokens"},
		{sentless{fake{}}, `["tokens","sents"]`, 422, "`include` has sents, but there is no parser"},
		{fake{}, `["lemma"]`, 200, `{"model":"","ents":[{"text":"Ada","label":"LAST","start":0,"end":3,"start_token":0,"end_token":1}],"tokens":[{"start":0,"end":3,"lemma":"ada"}]}`},
		{fake{}, `["dep","tokens","lemma"]`, 200, `"tokens":[{"start":0,"end":3,"lemma":"ada","dep":"dep","head":0}]}`},
		{fake{}, `["noun_chunks"]`, 200, `{"model":"","ents":[{"text":"Ada","label":"LAST","start":0,"end":3}],"noun_chunks":[{"start":0,"end":3}]}`},
		{fake{}, `["lemma","tag"]`, 422, "`include` has tag, but there is no tagger"},
		{bare{fake{}}, `["lemma"]`, 422, "`include` has lemma, but the model finds only entities"},
		{fake{}, `["head"]`, 422, "`include` has \\\"head\\\", want \\\"sents\\\", \\\"tokens\\\", \\\"noun_chunks\\\", \\\"tag\\\""},
	} {
		s := serve(t, gate.Options{}, Options{Recognizer: test.r})
		body := `{"text":"Ada","include":` + test.include + `}`
		answer := s.dial(t).want(test.status, fmt.Sprintf("POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if !strings.Contains(answer, test.want) {
			t.Errorf("%T, include %s: %s, want %s", test.r, test.include, answer, test.want)
		}
	}
}

// No text is computed for a client that has hung up, beyond the one that is under way.
func TestTextsOfWhoHasGone(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: b})
	c := s.dial(t)
	c.send(postV1(3))
	<-b.asked
	c.Close()
	b.free <- struct{}{}
	other := s.dial(t)
	other.send(post("next"))
	if text := <-b.asked; text != "next" {
		t.Errorf("%q was computed for a client that has hung up", text)
	}
	b.free <- struct{}{}
	other.wantAnswer(200)
}
