package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layerNorm writes the function that normalises rows. It makes three passes over each row, for
// the mean, the variance and the result. Lane i adds the values i, i+16, i+32 and so on. Then
// the lanes are added in the order of a tree.
func layerNorm(u unit) {
	TEXT("layerNorm"+u.name, NOSPLIT, "func(dst *float32, ldd int, x *float32, ldx int, residual *float32, ldr int, gain, bias *float32, n, rows int)")
	Doc("layerNorm"+u.name+" is layerNormGeneric for at least one row of at least one value;",
		"residual may be nil.")
	Pragma("noescape")
	l := norm{unit: u, x: load64("x"), n: load64("n"), gain: load64("gain"), bias: load64("bias")}
	dst, residual, rows := load64("dst"), load64("residual"), load64("rows")

	Comment("The mask of the values after the last whole block, whose end is n rounded down.")
	rest := GP64()
	MOVQ(l.n, rest)
	ANDQ(Imm(blockLanes-1), rest)
	l.whole = GP64()
	MOVQ(l.n, l.whole)
	SUBQ(rest, l.whole)
	l.tail = u.first(rest)

	Label("row")
	Comment("mean = Σ x / n")
	acc := u.block()
	u.zero(acc...)
	l.pass("mean", func(i reg.GPVirtual, m mask) {
		u.add(l.mem(l.x, i), 0, acc, m)
	})
	mean := u.vec()
	l.divide(u.sum(acc), mean)

	Comment("variance = Σ (x-mean)² / n")
	u.zero(acc...)
	l.pass("variance", func(i reg.GPVirtual, m mask) {
		l.deviation(i, mean, acc, m)
	})
	l.scale = u.vec()
	l.divide(u.sum(acc), l.scale)

	Comment("scale = 1 / sqrt(variance + 1e-8)")
	one := XMM()
	s := l.scale.AsX()
	addConstant(1e-8, s)
	VSQRTSS(s, s, s)
	loadConstant(1, one)
	VDIVSS(s, one, s)
	VBROADCASTSS(s, l.scale)

	Comment("dst = (x-mean)*scale*gain + bias + residual")
	TESTQ(residual, residual)
	JZ(LabelRef("plain"))
	l.pass("add", func(i reg.GPVirtual, m mask) {
		y := l.normal(i, mean, m)
		u.add(l.mem(residual, i), 0, y, m)
		u.store(y, l.mem(dst, i), 0, m)
	})
	advance(residual, "ldr")
	JMP(LabelRef("next"))
	Label("plain")
	l.pass("store", func(i reg.GPVirtual, m mask) {
		u.store(l.normal(i, mean, m), l.mem(dst, i), 0, m)
	})
	Label("next")
	advance(dst, "ldd")
	advance(l.x, "ldx")
	DECQ(rows)
	JNZ(LabelRef("row"))
	done()
}

// norm has the registers that the passes over a row share.
type norm struct {
	unit
	x, gain, bias reg.GPVirtual
	n, whole      reg.GPVirtual // the number of values of a row, and of its whole blocks
	tail          mask
	scale         reg.VecVirtual
}

// pass writes a loop over the whole blocks of a row, and code for the rest of the row.
func (l norm) pass(name string, each func(i reg.GPVirtual, m mask)) {
	i := GP64()
	XORQ(i, i)
	TESTQ(l.whole, l.whole)
	JZ(LabelRef(name + "Tail"))
	Label(name + "Loop")
	each(i, none)
	ADDQ(Imm(blockLanes), i)
	CMPQ(i, l.whole)
	JNE(LabelRef(name + "Loop"))
	Label(name + "Tail")
	CMPQ(i, l.n)
	JEQ(LabelRef(name + "Done"))
	each(i, l.tail)
	Label(name + "Done")
}

func (l norm) mem(base, i reg.GPVirtual) Mem {
	return Mem{Base: base, Index: i, Scale: floatSize}
}

// deviation adds the squares of x-mean to acc. Values that the mask leaves out are zero, not
// x, so it sets their difference to zero before it adds the squares.
func (l norm) deviation(i reg.GPVirtual, mean reg.VecVirtual, acc block, m mask) {
	d := l.block()
	l.load(l.mem(l.x, i), 0, d, m)
	for h, v := range d {
		switch {
		case !m.partial():
			VSUBPS(mean, v, v)
		case l.wide():
			VSUBPS_Z(mean, v, m.k, v)
		default:
			VSUBPS(mean, v, v)
			VANDPS(m.halves[h], v, v)
		}
		VFMADD231PS(v, v, acc[h])
	}
}

// normal computes (x-mean)*scale*gain + bias for a block.
func (l norm) normal(i reg.GPVirtual, mean reg.VecVirtual, m mask) block {
	y, g, b := l.block(), l.block(), l.block()
	l.load(l.mem(l.x, i), 0, y, m)
	l.load(l.mem(l.gain, i), 0, g, m)
	l.load(l.mem(l.bias, i), 0, b, m)
	for h, v := range y {
		VSUBPS(mean, v, v)
		VMULPS(l.scale, v, v)
		VFMADD213PS(b[h], g[h], v)
	}
	return y
}

// divide sets all lanes of to to sum / n.
func (l norm) divide(sum, to reg.VecVirtual) {
	n := XMM()
	VXORPS(n, n, n)
	VCVTSI2SSQ(l.n, n, n)
	VDIVSS(n, sum, sum)
	VBROADCASTSS(sum, to)
}

// advance moves the pointer p by as many floats as the parameter by says.
func advance(p reg.GPVirtual, by string) {
	ld := load64(by)
	LEAQ(Mem{Base: p, Index: ld, Scale: floatSize}, p)
}

// loadConstant sets the lowest lane of to to c.
func loadConstant(c float32, to reg.VecVirtual) {
	bits := GP32()
	MOVL(U32(math.Float32bits(c)), bits)
	VMOVD(bits, to)
}

// addConstant adds c to the lowest lane of to.
func addConstant(c float32, to reg.Register) {
	x := XMM()
	loadConstant(c, x)
	VADDSS(x, to, to)
}
