package spacy

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode"
)

// Three kinds of components find where sentences start: the parser (parser.go), the
// senter and the sentencizer. A pipeline runs at most one of them.

// sentences says where the sentences of a text start.
type sentences struct {
	// sentStarts[i] reports whether a sentence starts at token i. It is set for the
	// first known tokens. It can happen that no sentence starts at token 0.
	sentStarts []bool
	known      int

	senter tagWork // of the senter
}

func (s *sentences) reset(n int) {
	s.sentStarts, s.known, s.senter.long = grow(s.sentStarts, n), 0, nil
}

// startsText reports whether a sentence starts at the first token before a component has looked
// for sentences. spaCy's tokenizer says so, unless it has then replaced the token.
func startsText(tokens []Token) bool { return !tokens[0].Replaced }

// senterModel is spaCy's SentenceRecognizer, a network that decides for every token
// whether a sentence starts there: class 1, or not: class 0.
type senterModel struct {
	*tagModel
	overwrite bool // also the start of the text
}

// sentences finds the sentences of at least the first upTo tokens. It fails with the
// context's error when ctx ends.
func (m senterModel) sentences(ctx context.Context, e *encoder, text string, tokens []Token, s *sentences, upTo int) error {
	for s.known < upTo {
		end := min(s.known+encodeRows, len(tokens))
		err := m.choose(ctx, e, &s.senter, text, tokens, s.known, end, func(i, class int) {
			s.sentStarts[i] = class == 1 || i == 0 && !m.overwrite && startsText(tokens)
		})
		if err != nil {
			return err
		}
		s.known = end
	}
	return nil
}

// sentencizer is spaCy's Sentencizer, a rule: after one of these tokens a sentence starts
// at the next token that is not punctuation.
type sentencizer struct {
	ends map[string]bool // spaCy's punct_chars
}

// newSentencizer reads the component's file.
func newSentencizer(data []byte) (*sentencizer, error) {
	var cfg struct {
		PunctChars *[]string `json:"punct_chars"`
	}
	if err := json.Unmarshal(data, &cfg); err != nil {
		return nil, err
	}
	if cfg.PunctChars == nil {
		return nil, fmt.Errorf("it has no punct_chars")
	}
	z := &sentencizer{ends: map[string]bool{}}
	for _, c := range *cfg.PunctChars {
		z.ends[c] = true
	}
	return z, nil
}

// sentences finds all sentences of a text.
func (z *sentencizer) sentences(text string, tokens []Token, s *sentences) {
	ended := false // an end has come, and the next sentence has not started
	for i := range tokens {
		t := text[tokens[i].Start:tokens[i].End]
		isEnd := z.ends[t]
		s.sentStarts[i] = i == 0 || ended && !isEnd && !isPunct(t)
		ended = isEnd || ended && !s.sentStarts[i]
	}
	s.known = len(tokens)
}

// isPunct is spaCy's IS_PUNCT: all code points are punctuation.
func isPunct(s string) bool {
	for _, r := range s {
		if !unicode.IsPunct(r) {
			return false
		}
	}
	return true
}
