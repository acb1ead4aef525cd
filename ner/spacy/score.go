package spacy

import "github.com/narwhal-server/narwhal/ner/kernel"

// otherScorer computes what a kernel.Scorer computes, for the models that the Scorer cannot
// run: those with other than two maxout pieces, with a hidden layer that is wider than
// kernel.MaxHidden, and without upper layer. No pipeline of spaCy's authors has such a
// model. It is slower.
type otherScorer struct {
	hidden, pieces int
	bias           []float32      // [pieces][hidden], of the lower layer
	upper          *kernel.Matrix // nil: the hidden units are the scores
}

// score sets scores. features has the parts of each token in each slot, and rows[f] is the
// token in slot f, as in kernel.Scorer. sums is working memory for pieces×hidden values.
func (s *otherScorer) score(scores, features []float32, rows []int32, sums []float32) {
	clear(sums)
	for f, row := range rows {
		for i, v := range features[(int(row)*len(rows)+f)*len(sums):][:len(sums)] {
			sums[i] += v
		}
	}
	for i, v := range s.bias {
		sums[i] += v
	}
	hidden := sums[:s.hidden]
	for p := 1; p < s.pieces; p++ {
		for o, v := range sums[p*s.hidden:][:s.hidden] {
			hidden[o] = max(hidden[o], v)
		}
	}
	if s.upper == nil {
		copy(scores, hidden)
		return
	}
	s.upper.Mul(scores, s.upper.Out(), hidden, s.hidden, 1)
}
