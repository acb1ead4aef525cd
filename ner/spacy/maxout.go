package spacy

import "github.com/narwhal-server/narwhal/ner/kernel"

// maxout is a maxout layer of any number of pieces. A kernel.Matrix has at most
// kernel.MaxPieces, so a maxout has several matrices, and its result is their maximum.
type maxout []*kernel.Matrix

// newMaxout returns a packed layer. Its arguments are those of kernel.NewMatrix.
func newMaxout(w, bias []float32, out, pieces, in int) maxout {
	var m maxout
	for first := 0; first < pieces; first += kernel.MaxPieces {
		some := min(kernel.MaxPieces, pieces-first)
		if some == pieces {
			return maxout{kernel.NewMatrix(w, bias, out, pieces, in)}
		}
		var ws, bs []float32
		for o := range out {
			row := o*pieces + first
			ws = append(ws, w[row*in:][:some*in]...)
			bs = append(bs, bias[row:][:some]...)
		}
		m = append(m, kernel.NewMatrix(ws, bs, out, some, in))
	}
	return m
}

// mul computes rows rows of the layer, as kernel.Matrix.Mul does. The rows of dst are
// next to each other. scratch has room for as many values as dst.
func (m maxout) mul(dst, x []float32, ldx, rows int, scratch []float32) {
	out := m[0].Out()
	m[0].Mul(dst, out, x, ldx, rows)
	for _, more := range m[1:] {
		more.Mul(scratch, out, x, ldx, rows)
		for i, v := range scratch[:rows*out] {
			dst[i] = max(dst[i], v)
		}
	}
}
