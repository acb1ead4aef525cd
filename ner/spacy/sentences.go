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
	long   *longSums // of the senter; nil until the text's first close decision
}

func (s *sentences) reset(n int) { s.sentStarts, s.known, s.long = grow(s.sentStarts, n), 0, nil }

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
		first, end := s.known, min(s.known+encodeRows, len(tokens))
		vectors, err := m.tok2vec.encode(ctx, e, text, tokens, first, end)
		if err != nil {
			return err
		}
		s.scores = grow(s.scores, 2*(end-first))
		m.linear.Mul(s.scores, 2, vectors, m.tok2vec.width, end-first)
		for i := first; i < end; i++ {
			ahead := s.scores[2*(i-first)+1] - s.scores[2*(i-first)]
			if max(ahead, -ahead) < m.closest {
				if ahead, err = m.aheadLong(ctx, text, tokens, s, i); err != nil {
					return err
				}
			}
			s.sentStarts[i] = ahead > 0
		}
		s.known = end
	}
	return nil
}

// aheadLong returns by how much the score for the start of a sentence at token i is the
// higher one, computed from long sums (margin.go).
func (m *senterModel) aheadLong(ctx context.Context, text string, tokens []Token, s *sentences, i int) (float32, error) {
	if s.long == nil {
		s.long = newLongSums(m.tok2vec, m.linear)
	}
	scores, err := s.long.vector(ctx, text, tokens, i)
	if err != nil {
		return 0, err
	}
	return scores[1] - scores[0], nil
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
