package spacy

import "errors"

// A decision can depend on the last bits of two scores. The sums of the convolution
// (kernel.Conv) are a little less precise than one long sum, and both differ from
// spaCy's sums by rounding. When two scores are that close, the component begins the
// text again with long sums, which are as close to spaCy's as float32 allows. One text
// of a few hundred has such a decision. For this text the component takes about twice
// its time, which includes packing the weights for long sums. These packed weights are
// not kept, because they would take 2.7 MB in every worker. A senter decides token by token,
// so it computes only a piece of the text again.

// closeMargin is about twice the largest difference to spaCy's scores that was seen
// with long sums, 2.7e-5.
const closeMargin = 5e-5

// errTooClose is a decoder's error for a decision that must be made from long sums.
var errTooClose = errors.New("the scores are too close")

// tooClose reports whether a decision by this margin must be made from long sums.
func (f *features) tooClose(margin float32) bool { return margin < f.closest && !f.exact }

// useLongSums begins the same text again, with long sums.
func (f *features) useLongSums() {
	f.start(f.transition, f.encoder, f.text, f.tokens)
	f.exact = true
}

// setExact chooses long sums (true) or the convolution's (false). It forgets vectors
// that were computed with the other ones.
func (e *encoder) setExact(exact bool) {
	if e.exact != exact {
		e.exact, e.ready = exact, nil
	}
}
