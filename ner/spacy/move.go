package spacy

import "slices"

// Move moves the packed weights to other memory, so that processes that opened the
// same pipeline can share one copy. It calls place for each piece of the weights and
// uses the slice that place returns from then on. That slice must have the same
// values, be aligned to 64 bytes, and never change. The order of the pieces depends
// only on the pipeline and the kernel variant. No other method may run meanwhile.
func (p *Pipeline) Move(place func(weights []float32) []float32) {
	if p.parser != nil {
		p.parser.move(place)
	}
	if p.senter != nil {
		p.senter.linear.Move(place)
	}
	if p.ner != nil {
		p.ner.move(place)
	}
	for _, m := range p.taggers() {
		m.linear.Move(place)
	}
	for _, t := range p.networks() {
		if t.static != nil {
			t.static.matrix.Move(place)
		}
		t.mix.maxout.Move(place)
		for i := range t.encoder {
			if conv := t.encoder[i].conv; conv != nil {
				conv.Move(place)
			}
			for _, m := range t.encoder[i].sums {
				m.Move(place)
			}
		}
	}
}

func (t *transition) move(place func([]float32) []float32) {
	t.linear.Move(place)
	t.lower.Move(place)
	if t.other != nil && t.other.upper != nil {
		t.other.upper.Move(place)
	}
}

// networks returns the tok2vec networks of the components, each of them once: first that
// of the component that finds sentences, then that of the recognizer, and those that rules
// need. Two components may listen to the same one.
func (p *Pipeline) networks() (list []*tok2vec) {
	add := func(t *tok2vec) {
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	switch {
	case p.parser != nil:
		add(p.parser.tok2vec)
	case p.senter != nil:
		add(p.senter.tok2vec)
	}
	if p.ner != nil {
		add(p.ner.tok2vec)
	}
	for _, m := range p.taggers() {
		add(m.tok2vec)
	}
	return list
}

// taggers returns the models that choose tags for rules.
func (p *Pipeline) taggers() (list []*tagModel) {
	for _, c := range p.looks {
		if m := c.tagModel(); m != nil {
			list = append(list, m)
		}
	}
	return list
}
