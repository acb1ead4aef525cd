package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mulTiles writes the functions that multiply a panel with up to tileRows rows. The maxout
// function is for a panel whose three vectors are the pieces of the same outputs. The affine
// functions are for panels of one, two and three vectors of outputs.
func mulTiles(u unit) {
	mulTile(u, "maxout"+u.name, 3, true)
	for vecs := 1; vecs <= 3; vecs++ {
		mulTile(u, fmt.Sprintf("affine%d%s", vecs, u.name), vecs, false)
	}
}

// mulTile writes one function. It has a body for each number of rows, so it computes no
// unneeded row. The loop of each body has only loads, FMAs and its counters.
func mulTile(u unit, name string, vecs int, maxout bool) {
	TEXT(name, NOSPLIT, "func(dst *float32, ldd int, x *float32, ldx int, w, bias *float32, in, rows int)")
	each := fmt.Sprintf("dst[r*ldd+c] = Σ_i x[r*ldx+i]*w[i*%d+c] + bias[c], c < %d", vecs*u.lanes, vecs*u.lanes)
	if maxout {
		each = fmt.Sprintf("dst[r*ldd+c] = max over p < %d of Σ_i x[r*ldx+i]*w[(i*%d+p)*%d+c] + bias[p*%d+c], c < %d", vecs, vecs, u.lanes, u.lanes, u.lanes)
	}
	Doc(fmt.Sprintf("%s computes, for r < rows, 1 to %d,", name, u.tileRows), "", "\t"+each, "", "Each sum is one chain of FMAs from zero, i ascending.")
	Pragma("noescape")
	t := tile{
		unit: u, vecs: vecs, maxout: maxout,
		dst: load64("dst"), x: load64("x"), w: load64("w"), bias: load64("bias"), in: load64("in"),
		dstStep: strides(load64("ldd"), u.tileRows), xStep: strides(load64("ldx"), u.tileRows),
	}
	rows := load64("rows")
	for n := u.tileRows; n > 1; n-- {
		CMPQ(rows, Imm(uint64(n)))
		JEQ(LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := 1; n <= u.tileRows; n++ {
		if n > 1 {
			Label(fmt.Sprintf("rows%d", n))
		}
		t.body(n)
	}
}

type tile struct {
	unit
	vecs           int
	maxout         bool
	dst, x         reg.GPVirtual
	w, bias, in    reg.GPVirtual
	dstStep, xStep []stride
}

// stride is the distance of a row from the first row: a register times a scale.
type stride struct {
	index reg.Register
	scale uint8
}

// strides returns the distances of n rows that are ld floats apart. n is at most 8. It uses
// registers with 1, 3, 5 and 7 times ld: the other distances are multiples of these by 2 or 4.
// It overwrites ld.
func strides(ld reg.GPVirtual, n int) []stride {
	SHLQ(Imm(2), ld) // floats to bytes
	three, five, seven := GP64(), GP64(), GP64()
	list := []stride{{}, {ld, 1}, {ld, 2}, {three, 1}, {ld, 4}, {five, 1}, {three, 2}, {seven, 1}}
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, three)
	if n > 4 {
		LEAQ(Mem{Base: ld, Index: ld, Scale: 4}, five)
		LEAQ(Mem{Base: three, Index: ld, Scale: 4}, seven)
	}
	return list[:n]
}

// mem returns the memory of row r. base is the address of row 0.
func mem(base reg.Register, steps []stride, r int) Mem {
	return Mem{Base: base, Index: steps[r].index, Scale: steps[r].scale}
}

// body writes the code for a fixed number of rows.
func (t tile) body(rows int) {
	Comment(fmt.Sprintf("%d rows: sums of row r and vector v in a register each.", rows))
	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		sums[r] = t.unit.vecs(t.vecs)
		t.zero(sums[r]...)
	}
	loop := fmt.Sprintf("loop%d", rows)
	Label(loop)
	w := t.unit.vecs(t.vecs)
	for v := range w {
		VMOVUPS(Mem{Base: t.w, Disp: v * t.lanes * floatSize}, w[v])
	}
	for r := range rows {
		x := t.vec()
		VBROADCASTSS(mem(t.x, t.xStep, r), x)
		for v := range w {
			VFMADD231PS(x, w[v], sums[r][v])
		}
	}
	ADDQ(Imm(floatSize), t.x)
	ADDQ(Imm(uint64(t.vecs*t.lanes*floatSize)), t.w)
	DECQ(t.in)
	JNZ(LabelRef(loop))

	Comment("The bias, and the maximum.")
	for v := range w {
		VMOVUPS(Mem{Base: t.bias, Disp: v * t.lanes * floatSize}, w[v])
		for r := range sums {
			VADDPS(w[v], sums[r][v], sums[r][v])
		}
	}
	for r, row := range sums {
		to := mem(t.dst, t.dstStep, r)
		if t.maxout {
			for _, piece := range row[1:] {
				VMAXPS(piece, row[0], row[0])
			}
			row = row[:1]
		}
		for v := range row {
			VMOVUPS(row[v], to.Offset(v*t.lanes*floatSize))
		}
	}
	done()
}
