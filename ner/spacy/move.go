package spacy

// Move hands the packed weights, piece by piece, to place and uses what that
// returns instead: the same values elsewhere, aligned to 64 bytes, that never
// change. Processes that opened the same pipeline can so share one copy. The
// order of the pieces depends on the pipeline and the kernel variant only. No
// other method may run meanwhile.
func (p *Pipeline) Move(place func(weights []float32) []float32) {
	if p.parser != nil {
		p.parser.move(place)
	}
	p.ner.move(place)
	for _, t := range p.networks() {
		if t.static != nil {
			t.static.matrix.Move(place)
		}
		t.mix.maxout.Move(place)
		for i := range t.encoder {
			t.encoder[i].maxout.Move(place)
		}
	}
}

func (t *transition) move(place func([]float32) []float32) {
	t.linear.Move(place)
	t.lower.Move(place)
}

// networks are the one or two that the components use.
func (p *Pipeline) networks() []*tok2vec {
	if p.parser == nil || p.parser.tok2vec == p.ner.tok2vec {
		return []*tok2vec{p.ner.tok2vec}
	}
	return []*tok2vec{p.parser.tok2vec, p.ner.tok2vec}
}
