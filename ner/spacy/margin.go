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
func (f *features) tooClose(margin float32) bool { return margin < closeMargin && !f.encoder.exact }

// decide runs a decoder over a text, and again with long sums if it meets a
// decision that is too close.
func (f *features) decide(t *transition, text string, tokens []Token, decode func(*features) error) error {
	f.start(t, text, tokens)
	err := decode(f)
	if err != errTooClose {
		return err
	}
	f.encoder.setExact(true)
	defer f.encoder.setExact(false)
	f.start(t, text, tokens)
	return decode(f)
}

// setExact chooses the sums; what was computed with the others is forgotten.
func (e *encoder) setExact(exact bool) { e.exact, e.ready = exact, nil }
