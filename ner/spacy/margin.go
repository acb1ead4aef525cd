package spacy

import "errors"

// A decision can hang on the last bits of two scores. The convolution's way of
// summing (kernel.Conv) is a little less precise than one long sum, and spaCy's
// own sums differ from either by rounding, so a decision so close is made again
// from the long sums: those are as close to spaCy's as float32 gets. One text
// of a few hundred has such a decision; it costs that component about twice its
// time, the packing of the weights for it included. They are not kept: in every
// worker they would be 2.7 MB.

// closeMargin is twice the largest difference to spaCy's scores that was seen
// with long sums, 2.7e-5.
const closeMargin = 5e-5

// errTooClose says that a decoder met a decision to be made from long sums.
var errTooClose = errors.New("the scores are too close")

// tooClose says whether a decision by this margin must be made from long sums.
func (f *features) tooClose(margin float32) bool { return margin < f.closest && !f.exact }

// useLongSums begins the text again, with long sums.
func (f *features) useLongSums() {
	f.start(f.transition, f.encoder, f.text, f.tokens)
	f.exact = true
}

// setExact chooses the sums; what was computed with the others is forgotten.
func (e *encoder) setExact(exact bool) {
	if e.exact != exact {
		e.exact, e.ready = exact, nil
	}
}
