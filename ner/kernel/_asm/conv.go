package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// These are kernel.ConvRows and the constant convProducts of package kernel.
const (
	convRows     = 4
	convProducts = 6
)

// convInput writes the function that computes the inputs of the products, which are sums of
// rows. convInputGeneric has the factors.
func convInput(u unit) {
	TEXT("convInput"+u.name, NOSPLIT, "func(u *float32, plane int, x *float32, n, groups int)")
	Doc("convInput" + u.name + " is convInputGeneric for at least one value and one group; plane is groups*n.")
	Pragma("noescape")
	to, planes := load64("u"), strides(load64("plane"), convProducts)
	x, rows := load64("x"), strides(load64("n"), convProducts)
	groups := load64("groups")
	c := u.constants(3, 4, 5)
	tail := u.tail("n")

	Label("group")
	u.acrossRow("n", tail, []reg.GPVirtual{x, to}, func(_ string, h int, m mask) {
		d := u.vecs(convProducts)
		for k, v := range d {
			u.loadHalf(mem(x, rows, k), h, v, m)
		}
		p, q := u.vec(), u.vec()
		VSUBPS(d[3], d[1], p)
		VSUBPS(d[4], d[2], q)
		put := func(k int, s reg.VecVirtual) { u.storeHalf(s, mem(to, planes, k), h, m) }

		Comment("2*(d0+d4) - 3*p - 4*d2, with p = d1-d3 and q = d2-d4")
		s := u.vec()
		VADDPS(d[4], d[0], s)
		VADDPS(s, s, s)
		VFNMADD231PS(p, c[0], s)
		VFNMADD231PS(d[2], c[1], s)
		put(0, s)
		Comment("2*(d4-d1) + d2 + 5*d3")
		s = u.vec()
		VSUBPS(d[1], d[4], s)
		VADDPS(s, s, s)
		VADDPS(d[2], s, s)
		VFMADD231PS(d[3], c[2], s)
		put(1, s)
		Comment("5*d2 - 2*(d1+d4) - d3")
		s = u.vec()
		VADDPS(d[4], d[1], s)
		VADDPS(s, s, s)
		VFMSUB231PS(d[2], c[2], s)
		VSUBPS(d[3], s, s)
		put(2, s)
		Comment("2*p + q")
		s = u.vec()
		VADDPS(p, p, s)
		VADDPS(q, s, s)
		put(3, s)
		Comment("p - 2*q")
		s = u.vec()
		VSUBPS(q, p, s)
		VSUBPS(q, s, s)
		put(4, s)
		Comment("2*(d1+d5) - 3*q - 4*d3")
		s = u.vec()
		VADDPS(d[5], d[1], s)
		VADDPS(s, s, s)
		VFNMADD231PS(q, c[0], s)
		VFNMADD231PS(d[3], c[1], s)
		put(5, s)
	})
	Comment("x is at row 1 of the group; the next one begins at its row 4.")
	LEAQ(mem(x, rows, convRows-1), x)
	DECQ(groups)
	JNZ(LabelRef("group"))
	done()
}

// convOutput writes the function that adds the products and the bias, and takes the maximum
// over the pieces. convOutputGeneric has the factors.
func convOutput(u unit) {
	TEXT("convOutput"+u.name, NOSPLIT, "func(dst, v *float32, plane int, bias *float32, out, pieces, groups int)")
	Doc("convOutput"+u.name+" is convOutputGeneric for at least one output, one piece and one group;", "plane is groups*pieces*out.")
	Pragma("noescape")
	dst, rows := load64("dst"), strides(load64("out"), convRows)
	v, planes := load64("v"), strides(load64("plane"), convProducts)
	groups := load64("groups")
	c := u.constants(2, 4, 8)
	tail := u.tail("out")

	Label("group")
	bias := load64("bias")
	u.acrossRow("out", tail, []reg.GPVirtual{dst, v, bias}, func(name string, h int, m mask) {
		at, b, pieces := GP64(), GP64(), load64("pieces")
		MOVQ(v, at)
		MOVQ(bias, b)
		best := u.convSums(at, b, planes, c, h, m)
		JMP(LabelRef(name + "Next"))
		Label(name + "Piece")
		LEAQ(mem(at, rows, 1), at)
		LEAQ(mem(b, rows, 1), b)
		for r, y := range u.convSums(at, b, planes, c, h, m) {
			VMAXPS(y, best[r], best[r])
		}
		Label(name + "Next")
		DECQ(pieces)
		JNZ(LabelRef(name + "Piece"))
		for r, y := range best {
			u.storeHalf(y, mem(dst, rows, r), h, m)
		}
	})
	Comment("dst is at row 1 of the group, and v at its second piece.")
	LEAQ(mem(dst, rows, convRows-1), dst)
	skip := load64("pieces")
	DECQ(skip)
	IMULQ(rows[1].index.(reg.GPVirtual), skip)
	ADDQ(skip, v)
	DECQ(groups)
	JNZ(LabelRef("group"))
	done()
}

// convSums computes the four sums of the products at v, with the bias at b, and returns their
// registers.
func (u unit) convSums(v, b reg.GPVirtual, planes []stride, c []reg.VecVirtual, h int, m mask) []reg.VecVirtual {
	y, x := u.vecs(convRows), u.vec()
	load := func(k int, to reg.VecVirtual) { u.loadHalf(mem(v, planes, k), h, to, m) }
	load(1, y[3])
	load(2, x)
	VADDPS(x, y[3], y[2])
	VSUBPS(x, y[3], y[1])
	VMOVAPS(y[1], y[3])
	load(0, y[0])
	VADDPS(y[2], y[0], y[0])
	load(3, x)
	VFMADD231PS(x, c[2], y[0])
	VFMADD231PS(x, c[1], y[1])
	VFMADD231PS(x, c[0], y[2])
	VADDPS(x, y[3], y[3])
	load(4, x)
	VADDPS(x, y[0], y[0])
	VFNMADD231PS(x, c[0], y[1])
	VFMADD231PS(x, c[1], y[2])
	VFNMADD231PS(x, c[2], y[3])
	load(5, x)
	VADDPS(x, y[3], y[3])
	u.loadHalf(Mem{Base: b}, h, x, m)
	for _, r := range y {
		VADDPS(x, r, r)
	}
	return y
}

// tail returns the mask for the end of a row. size is the parameter with the row's length.
func (u unit) tail(size string) mask {
	rest := load64(size)
	ANDQ(Imm(blockLanes-1), rest)
	return u.first(rest)
}

// acrossRow writes a loop over the whole blocks of a row, and code for the rest of the row.
// size is the parameter with the row's length. The code moves the pointers to the end of the
// row. acrossRow calls each for every register of a block, with a name for its labels.
func (u unit) acrossRow(size string, tail mask, pointers []reg.GPVirtual, each func(name string, h int, m mask)) {
	left := load64(size)
	SUBQ(Imm(blockLanes), left)
	JLT(LabelRef("tail"))
	Label("block")
	for h := range blockLanes / u.lanes {
		each(fmt.Sprintf("block%d", h), h, none)
	}
	for _, p := range pointers {
		ADDQ(Imm(blockLanes*floatSize), p)
	}
	SUBQ(Imm(blockLanes), left)
	JGE(LabelRef("block"))
	Label("tail")
	ADDQ(Imm(blockLanes), left)
	JZ(LabelRef("rowDone"))
	for h := range blockLanes / u.lanes {
		each(fmt.Sprintf("tail%d", h), h, tail)
	}
	for _, p := range pointers {
		LEAQ(Mem{Base: p, Index: left, Scale: floatSize}, p)
	}
	Label("rowDone")
}
