package kernel

import "fmt"

// MaxHidden is the largest width of a Scorer's hidden layer. The layer's values are on the
// stack, also in the assembly (maxHidden in _asm/score.go). spaCy's default width is 64.
const MaxHidden = 256

// Scorer computes the scores of a parser's actions in one state. It adds the precomputed
// features of the state's tokens, and applies a maxout of 2 pieces and the upper layer.
// Several goroutines may use a Scorer at once.
type Scorer struct {
	variant         variant
	hidden, classes int
	lowerBias       []float32 // [2][hidden]
	upper           []float32 // [hidden][stride], or [classes][hidden] for plain Go
	upperBias       []float32 // [stride], or [classes] for plain Go
	stride          int       // classes, for assembly rounded up to a multiple of scorerLanes
}

// scorerLanes is the number of float32 in a vector of AVX-512.
const scorerLanes = 16

// NewScorer returns a packed scorer. upper[c*hidden+o] and upperBias[c] are the weights and
// the bias of the upper layer. lowerBias[p*hidden+o] is the bias of the lower layer: first
// all of piece 0, then all of piece 1. upperBias may be nil for zeros. All are copied. hidden
// is at most 256. NewScorer panics if a size does not fit.
func NewScorer(upper, upperBias []float32, classes int, lowerBias []float32, hidden int) *Scorer {
	if classes < 1 || hidden < 1 || hidden > MaxHidden {
		panic(fmt.Sprintf("kernel: scorer of %d classes, %d hidden: want at least 1 of each and at most %d hidden", classes, hidden, MaxHidden))
	}
	if len(upper) != classes*hidden || upperBias != nil && len(upperBias) != classes || len(lowerBias) != 2*hidden {
		panic(fmt.Sprintf("kernel: scorer of %d classes, %d hidden with %d weights and %d, %d biases", classes, hidden, len(upper), len(upperBias), len(lowerBias)))
	}
	s := &Scorer{variant: current, hidden: hidden, classes: classes, stride: classes}
	if s.variant != generic {
		s.stride = (classes + scorerLanes - 1) / scorerLanes * scorerLanes
	}
	s.lowerBias = alignedFloats(2 * hidden)
	s.upperBias = alignedFloats(s.stride)
	s.upper = alignedFloats(hidden * s.stride)
	copy(s.lowerBias, lowerBias)
	copy(s.upperBias, upperBias)
	for c := range classes {
		for o := range hidden {
			if s.variant == generic {
				s.upper[c*hidden+o] = upper[c*hidden+o]
			} else {
				s.upper[o*s.stride+c] = upper[c*hidden+o]
			}
		}
	}
	return s
}

// Hidden returns the width of the hidden layer.
func (s *Scorer) Hidden() int { return s.hidden }

// Classes returns the number of scores.
func (s *Scorer) Classes() int { return s.classes }

// Score computes the scores of one state. features has the precomputed features of each
// token in each slot: [tokens][len(rows)][2][hidden], first all of piece 0 and then all of
// piece 1. The padding that replaces a missing token is a token, too. rows[f] is the token
// in slot f.
//
//	u = ((0 + features[rows[0]][0]) + features[rows[1]][1]) + … + lowerBias
//	hid[o] = max(u[0][o], u[1][o])
//	scores[c] = Σ_o upper[c][o]*hid[o] + upperBias[c]
//
// The last sum is one chain of additions, with o ascending from 0. Only the first Classes()
// values of scores are written.
func (s *Scorer) Score(scores, features []float32, rows []int32) {
	if len(scores) < s.classes {
		panic(fmt.Sprintf("kernel: score %d classes: room for %d", s.classes, len(scores)))
	}
	width := len(rows) * 2 * s.hidden
	for _, row := range rows {
		if row < 0 || (int(row)+1)*width > len(features) {
			panic(fmt.Sprintf("kernel: score token %d of %d", row, len(features)/width))
		}
	}
	score(s, scores, features, rows)
}
