package spacy

// Move hands the packed weights, piece by piece, to place and uses what that
// returns instead: the same values elsewhere, aligned to 64 bytes, that never
// change. Processes that opened the same pipeline can so share one copy. The
// order of the pieces depends on the pipeline and the kernel variant only. No
// other method may run meanwhile.
func (p *Pipeline) Move(place func(weights []float32) []float32) {
	var last *tok2vec
	move := func(t *transition) {
		t.linear.Move(place)
		t.lower.Move(place)
		if v := t.tok2vec; v != last { // not one that both listen to
			last = v
			v.mix.maxout.Move(place)
			for i := range v.encoder {
				v.encoder[i].maxout.Move(place)
			}
		}
	}
	if p.parser != nil {
		move(p.parser.transition)
	}
	move(p.ner.transition)
}
