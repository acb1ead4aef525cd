package kernel

import (
	"encoding/binary"
	"math"
)

// mulGeneric is Matrix.Mul in plain Go. It computes tiles of two rows and three columns, the
// largest ones whose sums stay in registers on amd64. (Three rows and three columns are half
// as fast.) The columns are the pieces of one output, or three outputs.
func mulGeneric(m *Matrix, dst []float32, ldd int, x []float32, ldx, rows int) {
	n := m.in
	for i := range m.panels {
		p := &m.panels[i]
		w0 := p.w[:n]
		w1 := p.w[min(1, p.vecs-1)*n:][:n] // with fewer columns the last one repeats
		w2 := p.w[min(2, p.vecs-1)*n:][:n]
		r := 0
		for ; r+1 < rows; r += 2 {
			a0, a1, a2, b0, b1, b2 := dot2x3(x[r*ldx:][:n], x[(r+1)*ldx:][:n], w0, w1, w2)
			p.store(dst[r*ldd+p.first:][:p.outs], a0, a1, a2)
			p.store(dst[(r+1)*ldd+p.first:][:p.outs], b0, b1, b2)
		}
		if r < rows {
			a0, a1, a2 := dot1x3(x[r*ldx:][:n], w0, w1, w2)
			p.store(dst[r*ldd+p.first:][:p.outs], a0, a1, a2)
		}
	}
}

// store adds the bias to the sums of a panel and stores them. If they are the pieces of one
// output, it stores their maximum.
func (p *panel) store(dst []float32, a0, a1, a2 float32) {
	b := p.bias
	switch {
	case p.width == 1 && p.vecs == 3:
		dst[0] = max(a0+b[0], a1+b[1], a2+b[2])
	case p.vecs == 3:
		dst[0], dst[1], dst[2] = a0+b[0], a1+b[1], a2+b[2]
	case p.vecs == 2:
		dst[0], dst[1] = a0+b[0], a1+b[1]
	default:
		dst[0] = a0 + b[0]
	}
}

// dot2x3 returns the products of two rows with three columns. All have the same length.
func dot2x3(x0, x1, w0, w1, w2 []float32) (a0, a1, a2, b0, b1, b2 float32) {
	n := len(x0) // with the same length for all, the loop needs no bounds checks
	x1, w0, w1, w2 = x1[:n], w0[:n], w1[:n], w2[:n]
	for k, x := range x0 {
		u, v, w := w0[k], w1[k], w2[k]
		a0 += x * u
		a1 += x * v
		a2 += x * w
		x = x1[k]
		b0 += x * u
		b1 += x * v
		b2 += x * w
	}
	return
}

// dot1x3 is dot2x3 for one row. It computes the same sums in the same order.
func dot1x3(x0, w0, w1, w2 []float32) (a0, a1, a2 float32) {
	n := len(x0)
	w0, w1, w2 = w0[:n], w1[:n], w2[:n]
	for k, x := range x0 {
		a0 += x * w0[k]
		a1 += x * w1[k]
		a2 += x * w2[k]
	}
	return
}

func layerNormGeneric(dst []float32, ldd int, x []float32, ldx int, residual []float32, ldr int, g, b []float32, rows int) {
	n := len(g)
	b = b[:n]
	for r := range rows {
		row, to := x[r*ldx:][:n], dst[r*ldd:][:n]
		var sum float64
		for _, v := range row {
			sum += float64(v)
		}
		mu := float32(sum / float64(n))
		sum = 0
		for _, v := range row {
			d := float64(v - mu)
			sum += d * d
		}
		scale := float32(1 / math.Sqrt(sum/float64(n)+epsilon))
		if residual == nil {
			for i, v := range row {
				to[i] = (v-mu)*scale*g[i] + b[i]
			}
			continue
		}
		add := residual[r*ldr:][:n]
		for i, v := range row {
			to[i] = (v-mu)*scale*g[i] + b[i] + add[i]
		}
	}
}

func addRowsGeneric(dst []float32, table []byte, rows []uint32) {
	clear(dst)
	for _, row := range rows {
		from := table[int(row)*len(dst)*4:][:len(dst)*4]
		for i := range dst {
			dst[i] += math.Float32frombits(binary.LittleEndian.Uint32(from[i*4:]))
		}
	}
}

func scoreGeneric(s *Scorer, scores, features []float32, rows []int32) {
	h := s.hidden
	var u [2 * MaxHidden]float32
	sum := u[:2*h]
	for f, row := range rows {
		for i, v := range features[(int(row)*len(rows)+f)*2*h:][:2*h] {
			sum[i] += v
		}
	}
	for i, v := range s.lowerBias {
		sum[i] += v
	}
	hid := sum[:h]
	for o, v := range sum[h:] {
		hid[o] = max(hid[o], v)
	}
	for c := 0; c < s.classes; c += 3 {
		c1, c2 := min(c+1, s.classes-1), min(c+2, s.classes-1) // the last group may repeat a class
		a0, a1, a2 := dot1x3(hid, s.upper[c*h:], s.upper[c1*h:], s.upper[c2*h:])
		scores[c] = a0 + s.upperBias[c]
		scores[c1] = a1 + s.upperBias[c1]
		scores[c2] = a2 + s.upperBias[c2]
	}
}
