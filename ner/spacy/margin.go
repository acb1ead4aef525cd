package spacy

import (
	"context"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// A decision can depend on the last bits of two scores. The sums of the convolution
// (kernel.Conv) are a little less precise than one long sum, and both differ from
// spaCy's sums by rounding. When two scores are that close, the component computes the
// scores of this decision again with long sums, which are as close to spaCy's as float32
// allows. One text of a thousand has such a decision.

// closeMargin is about twice the largest difference to spaCy's scores that was seen
// with long sums, 2.7e-5. The largest scores were about 50 there.
const closeMargin = 5e-5

// closeShare is twice the largest difference between the two sums that was seen in real
// pipelines, as a share of the largest score of the decision, 2e-6. Rounding errors grow
// with the scores. From scores of 12.5 on this margin is the larger one.
const closeShare = 4e-6

// clearMargin is a margin for which the largest score is not looked up. Scores would have to
// be larger than 250,000 for it to be close.
const clearMargin = 1

// isClose reports whether a decision by this margin needs long sums. least is closeMargin,
// except in tests.
func isClose(scores []float32, margin, least float32) bool {
	if margin >= clearMargin && margin >= least {
		return false
	}
	low, high := float32(0), float32(0)
	for _, s := range scores {
		if s > high {
			high = s
		} else if s < low {
			low = s
		}
	}
	return margin < max(least, closeShare*high, -closeShare*low)
}

// longSums computes the vectors of single tokens of one text with long sums. It computes
// them in blocks and keeps the last blocks. So a text in which every decision is close
// takes about three times its time, and not more.
type longSums struct {
	tok2vec *tok2vec
	linear  *kernel.Matrix
	encoder encoder
	blocks  []longBlock
	step    int       // counts the calls of vector
	table   []float32 // working memory of features.scoreLong
}

// longBlock has the results of the linear layer for longRows tokens.
type longBlock struct {
	first   int // the first token
	used    int // the step at which it was last used
	vectors []float32
}

const (
	longRows  = 64
	maxBlocks = maxSlots // one decision looks at so many tokens
)

// newLongSums packs the weights of a network for long sums. They take 1.3 MB for each
// network of en_core_web_sm, so they are not kept for the next text.
func newLongSums(t *tok2vec, linear *kernel.Matrix) *longSums {
	l := &longSums{tok2vec: t, linear: linear}
	for i := range t.encoder {
		l.encoder.long = append(l.encoder.long, t.encoder[i].long())
	}
	return l
}

// vector returns the result of the linear layer for a token. It is valid until the next
// call.
func (l *longSums) vector(ctx context.Context, text string, tokens []Token, token int) ([]float32, error) {
	l.step++
	first, out := token/longRows*longRows, l.linear.Out()
	b := l.block(first)
	if b.first != first {
		end := min(first+longRows, len(tokens))
		vectors, err := l.tok2vec.encode(ctx, &l.encoder, text, tokens, first, end)
		if err != nil {
			return nil, err
		}
		b.vectors = grow(b.vectors, longRows*out)
		l.linear.Mul(b.vectors, out, vectors, l.tok2vec.width, end-first)
		b.first = first
	}
	b.used = l.step
	return b.vectors[(token-first)*out:][:out], nil
}

// block returns the block that begins at token first. If there is none, it returns a new
// one, or the one that was not used for the longest time, for the caller to fill.
func (l *longSums) block(first int) *longBlock {
	oldest := 0
	for i := range l.blocks {
		if l.blocks[i].first == first {
			return &l.blocks[i]
		}
		if l.blocks[i].used < l.blocks[oldest].used {
			oldest = i
		}
	}
	if len(l.blocks) < maxBlocks {
		l.blocks = append(l.blocks, longBlock{first: -1})
		oldest = len(l.blocks) - 1
	}
	l.blocks[oldest].first = -1 // nothing, until the caller has filled it
	return &l.blocks[oldest]
}
