package kernel

// Move replaces the packed weights by what place returns for them: the same
// values elsewhere, at the beginning of a cache line, that never change. So
// processes can share them. Nobody may multiply meanwhile.
func (m *Matrix) Move(place func([]float32) []float32) {
	for i := range m.panels {
		m.panels[i].w = place(m.panels[i].w)
	}
}

// Move does so for the weights of all products.
func (c *Conv) Move(place func([]float32) []float32) {
	for _, m := range c.products {
		m.Move(place)
	}
}
