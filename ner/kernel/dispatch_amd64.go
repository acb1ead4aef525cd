//go:build !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The generator in _asm writes the assembly and its declarations.
//
//go:generate sh _asm/regen.sh

// available returns the variants that the CPU and the system can run, the best first.
func available() []variant {
	list := []variant{generic}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append([]variant{avx2}, list...)
	}
	if cpu.X86.HasAVX512F {
		list = append([]variant{avx512}, list...)
	}
	return list
}

// maxTileRows is the largest number of rows of a tile. AVX-512 has 32 registers: the sums of
// 8 rows of 3 vectors take 24, which leaves 8 for the operands. AVX2 has 16 registers: the
// sums of 4 rows take 12, which leaves 4.
const maxTileRows = 8

func (v variant) tileRows() int {
	if v == avx512 {
		return maxTileRows
	}
	return 4
}

func mul(m *Matrix, dst []float32, ldd int, x []float32, ldx, rows int) {
	if m.variant == generic {
		mulGeneric(m, dst, ldd, x, ldx, rows)
		return
	}
	// All tiles have nearly the same height. 9 rows are cut into 5 and 4, because in a
	// tile of 1 row each addition waits for the one before it.
	tiles := (rows + m.variant.tileRows() - 1) / m.variant.tileRows()
	height, higher := rows/tiles, rows%tiles
	for i := range m.panels {
		p := &m.panels[i]
		if p.outs < p.width {
			mulEdge(m, p, dst, ldd, x, ldx, rows)
			continue
		}
		for from, t := 0, 0; t < tiles; t++ {
			n := height
			if t < higher {
				n++
			}
			p.tile(m, &dst[from*ldd+p.first], ldd, &x[from*ldx], ldx, n)
			from += n
		}
	}
}

// mulEdge does what mul does for the last panel, if it has fewer outputs than lanes. It
// writes the tiles to a buffer first, and copies the outputs to dst.
func mulEdge(m *Matrix, p *panel, dst []float32, ldd int, x []float32, ldx, rows int) {
	var buf [maxTileRows * MaxPieces * 16]float32
	for from := 0; from < rows; from += m.variant.tileRows() {
		n := min(m.variant.tileRows(), rows-from)
		p.tile(m, &buf[0], p.width, &x[from*ldx], ldx, n)
		for r := range n {
			copy(dst[(from+r)*ldd+p.first:][:p.outs], buf[r*p.width:])
		}
	}
}

// tile computes the outputs of a panel for a few rows. It calls the functions directly:
// with a function value, the slices of every caller would escape to the heap.
func (p *panel) tile(m *Matrix, dst *float32, ldd int, x *float32, ldx, rows int) {
	w, bias := &p.w[0], &p.bias[0]
	wide := m.variant == avx512
	switch {
	case wide && m.pieces > 1:
		maxoutAVX512(dst, ldd, x, ldx, w, bias, m.in, rows)
	case wide && p.vecs == 3:
		affine3AVX512(dst, ldd, x, ldx, w, bias, m.in, rows)
	case wide && p.vecs == 2:
		affine2AVX512(dst, ldd, x, ldx, w, bias, m.in, rows)
	case wide:
		affine1AVX512(dst, ldd, x, ldx, w, bias, m.in, rows)
	case m.pieces > 1:
		maxoutAVX2(dst, ldd, x, ldx, w, bias, m.in, rows)
	case p.vecs == 3:
		affine3AVX2(dst, ldd, x, ldx, w, bias, m.in, rows)
	case p.vecs == 2:
		affine2AVX2(dst, ldd, x, ldx, w, bias, m.in, rows)
	default:
		affine1AVX2(dst, ldd, x, ldx, w, bias, m.in, rows)
	}
}

// normRows is the number of rows that one call of assembly normalises. They take about 2 µs.
// Longer calls would delay the garbage collector, because assembly cannot be preempted.
const normRows = 64

func layerNorm(dst []float32, ldd int, x []float32, ldx int, residual []float32, ldr int, g, b []float32, rows int) {
	if current == generic {
		layerNormGeneric(dst, ldd, x, ldx, residual, ldr, g, b, rows)
		return
	}
	for from := 0; from < rows; from += normRows {
		n := min(normRows, rows-from)
		to, row, add := &dst[from*ldd], &x[from*ldx], (*float32)(nil)
		if residual != nil {
			add = &residual[from*ldr]
		}
		if current == avx512 {
			layerNormAVX512(to, ldd, row, ldx, add, ldr, &g[0], &b[0], len(g), n)
		} else {
			layerNormAVX2(to, ldd, row, ldx, add, ldr, &g[0], &b[0], len(g), n)
		}
	}
}

func addRows(dst []float32, table []byte, rows []uint32) {
	base, first := unsafe.SliceData(table), unsafe.SliceData(rows)
	switch current {
	case avx512:
		addRowsAVX512(&dst[0], len(dst), base, first, len(rows))
	case avx2:
		addRowsAVX2(&dst[0], len(dst), base, first, len(rows))
	default:
		addRowsGeneric(dst, table, rows)
	}
}

func score(s *Scorer, scores, features []float32, rows []int32) {
	base, first := unsafe.SliceData(features), unsafe.SliceData(rows)
	switch s.variant {
	case avx512:
		scoreAVX512(&scores[0], s.classes, base, first, len(rows), &s.lowerBias[0], s.hidden, &s.upper[0], &s.upperBias[0], s.stride)
	case avx2:
		scoreAVX2(&scores[0], s.classes, base, first, len(rows), &s.lowerBias[0], s.hidden, &s.upper[0], &s.upperBias[0], s.stride)
	default:
		scoreGeneric(s, scores, features, rows)
	}
}
