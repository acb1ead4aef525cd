package spacy

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// Three kinds of components find where sentences start: the parser (parser.go), the
// senter and the sentencizer. A pipeline runs at most one of them.

// sentences says where the sentences of a text start.
type sentences struct {
	// sentStarts[i] reports whether a sentence starts at token i. It is set for the
	// first known tokens. A component may find that no sentence starts at token 0.
	sentStarts []bool
	known      int

	scores []float32 // of the senter, for a piece of the text
}

func (s *sentences) reset(n int) { s.sentStarts, s.known = grow(s.sentStarts, n), 0 }

// senterModel is spaCy's SentenceRecognizer, a network that decides for every token
// whether a sentence starts there.
//
//	vectors of the tokens --linear--> two scores: no start, start
type senterModel struct {
	tok2vec *tok2vec
	linear  *kernel.Matrix
	closest float32 // smaller margins need long sums: closeMargin, except in tests
}

// newSenter builds the model from the layers of its file. shared is the tok2vec that the
// model may listen to, or nil.
func newSenter(layers []layer, shared *tok2vec, vecs *vectors, cacheEntries int) (*senterModel, error) {
	m := &senterModel{tok2vec: shared, closest: closeMargin}
	i := layers[0].ref("softmax")
	if i < 0 || i >= len(layers) || layers[i].name != "softmax" {
		return nil, fmt.Errorf("no layer softmax: not a model of Tagger.v2")
	}
	if m.tok2vec == nil {
		var err error
		if m.tok2vec, err = newTok2Vec(layers, vecs, cacheEntries); err != nil {
			return nil, err
		}
	}
	w, err := layers[i].param("W", 2, m.tok2vec.width)
	if err != nil {
		return nil, err
	}
	b, err := layers[i].param("b", 2)
	if err != nil {
		return nil, err
	}
	// softmax itself is not computed: it does not change which score is higher.
	m.linear = kernel.NewMatrix(w.floats(), b.floats(), 2, 1, m.tok2vec.width)
	return m, nil
}

// sentences finds the sentences of at least the first upTo tokens. It fails with the
// context's error when ctx ends.
func (m *senterModel) sentences(ctx context.Context, e *encoder, text string, tokens []Token, s *sentences, upTo int) error {
	for s.known < upTo {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(s.known+encodeRows, len(tokens))
		if margin := m.decide(e, false, text, tokens, s, end); margin < m.closest {
			m.decide(e, true, text, tokens, s, end)
		}
		s.known = end
	}
	return nil
}

// decide sets sentStarts from the first unknown token to end. exact chooses long sums
// (margin.go). decide returns the smallest difference of a token's two scores.
func (m *senterModel) decide(e *encoder, exact bool, text string, tokens []Token, s *sentences, end int) (margin float32) {
	e.setExact(exact)
	vectors := m.tok2vec.encode(e, text, tokens, s.known, end)
	rows := end - s.known
	s.scores = grow(s.scores, 2*rows)
	m.linear.Mul(s.scores, 2, vectors, m.tok2vec.width, rows)
	for i := range rows {
		ahead := s.scores[2*i+1] - s.scores[2*i]
		s.sentStarts[s.known+i] = ahead > 0
		if by := max(ahead, -ahead); i == 0 || by < margin {
			margin = by
		}
	}
	return margin
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
