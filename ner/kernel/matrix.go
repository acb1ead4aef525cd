package kernel

import (
	"fmt"
	"unsafe"
)

// MaxPieces is the largest number of maxout pieces. It is also the largest number of
// vectors of a panel. spaCy's networks have 3 pieces.
const MaxPieces = 3

// Matrix is a constant weight matrix with its bias, packed for one variant.
type Matrix struct {
	variant         variant
	out, pieces, in int
	panels          []panel
}

// panel is a group of neighbouring columns that one pass over the inputs computes. It has up
// to three vectors. If the matrix has one piece, each vector has other outputs. Otherwise
// vector p has piece p of the same outputs, so the maximum is taken between registers.
//
// The order of w is [in][vecs][lanes], or [vecs][in] for plain Go. The order of bias is
// [vecs][lanes]. Lanes after the last output are zero. If there are only two pieces, the
// third vector is a copy of the second.
type panel struct {
	w, bias     []float32
	first, outs int // the outputs of the panel are first to first+outs-1
	width       int // outs rounded up to whole vectors
	vecs        int // number of vectors
}

// NewMatrix returns a packed matrix. w[(o*pieces+p)*in+i] is the weight of input i in piece
// p of output o. bias[o*pieces+p] is the bias of that piece. bias may be nil for zeros. Both
// are copied. pieces is 1 for a plain affine layer, and at most 3. NewMatrix panics if a
// size does not fit.
func NewMatrix(w, bias []float32, out, pieces, in int) *Matrix {
	if out < 1 || in < 1 || pieces < 1 || pieces > MaxPieces {
		panic(fmt.Sprintf("kernel: matrix of %d outputs, %d pieces, %d inputs: want at least 1 of each and at most %d pieces", out, pieces, in, MaxPieces))
	}
	if len(w) != out*pieces*in || bias != nil && len(bias) != out*pieces {
		panic(fmt.Sprintf("kernel: matrix of %d×%d×%d with %d weights and %d biases", out, pieces, in, len(w), len(bias)))
	}
	m := &Matrix{variant: current, out: out, pieces: pieces, in: in}
	lanes := m.variant.lanes()
	size := MaxPieces * lanes // outputs of a whole panel
	if pieces > 1 {
		size = lanes
	}
	for first := 0; first < out; first += size {
		p := panel{first: first, outs: min(size, out-first), vecs: MaxPieces}
		p.width = size
		if pieces == 1 {
			p.vecs = (p.outs + lanes - 1) / lanes
			p.width = p.vecs * lanes
		}
		m.pack(&p, w, bias)
		m.panels = append(m.panels, p)
	}
	return m
}

// pack fills the weights and the bias of a panel.
func (m *Matrix) pack(p *panel, w, bias []float32) {
	lanes := m.variant.lanes()
	p.w = alignedFloats(m.in * p.vecs * lanes)
	p.bias = alignedFloats(p.vecs * lanes)
	for v := range p.vecs {
		for lane := range lanes {
			o, piece := p.first+lane, min(v, m.pieces-1)
			if m.pieces == 1 {
				o = p.first + v*lanes + lane
			}
			if o >= p.first+p.outs {
				continue
			}
			row := o*m.pieces + piece
			if bias != nil {
				p.bias[v*lanes+lane] = bias[row]
			}
			for i, x := range w[row*m.in : (row+1)*m.in] {
				if m.variant == generic {
					p.w[v*m.in+i] = x
				} else {
					p.w[(i*p.vecs+v)*lanes+lane] = x
				}
			}
		}
	}
}

// In returns the number of inputs.
func (m *Matrix) In() int { return m.in }

// Out returns the number of outputs.
func (m *Matrix) Out() int { return m.out }

// Pieces returns the number of maxout pieces.
func (m *Matrix) Pieces() int { return m.pieces }

// Mul multiplies rows of x with the matrix. For r < rows and o < Out() it computes
//
//	dst[r*ldd+o] = max over p of ( Σ_i w[o,p,i]*x[r*ldx+i] + bias[o,p] )
//
// As in spaCy, each sum is one chain of additions, with i ascending from 0, and the bias is
// added last. Rows of x may overlap: with ldx 96 and 288 inputs, a row consists of three
// neighbours of 96. dst and x must not overlap.
func (m *Matrix) Mul(dst []float32, ldd int, x []float32, ldx, rows int) {
	if rows <= 0 {
		return
	}
	if ldx < 0 || len(x) < (rows-1)*ldx+m.in {
		panic(fmt.Sprintf("kernel: multiply %d rows of %d, %d apart: x has %d values", rows, m.in, ldx, len(x)))
	}
	if ldd < m.out || len(dst) < (rows-1)*ldd+m.out {
		panic(fmt.Sprintf("kernel: multiply %d rows to %d, %d apart: dst has %d values", rows, m.out, ldd, len(dst)))
	}
	mul(m, dst, ldd, x, ldx, rows)
}

// alignedFloats returns n zeros that start at a cache line, because a vector load that
// crosses two cache lines costs two loads.
func alignedFloats(n int) []float32 {
	const line = 64
	buf := make([]float32, n+line/4)
	skip := int(-uintptr(unsafe.Pointer(&buf[0])) % line / 4)
	return buf[skip : skip+n : skip+n]
}
