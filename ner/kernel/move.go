package kernel

// Move moves the packed weights to other memory, so that processes can share them. It calls
// place for the weights of each panel and uses the slice that place returns from then on.
// That slice must have the same values, begin at a cache line (64 bytes), and never change.
// Mul must not run meanwhile.
func (m *Matrix) Move(place func([]float32) []float32) {
	for i := range m.panels {
		m.panels[i].w = place(m.panels[i].w)
	}
}

// Move moves the packed weights of all products, as [Matrix.Move] does.
func (c *Conv) Move(place func([]float32) []float32) {
	for _, m := range c.products {
		m.Move(place)
	}
}
