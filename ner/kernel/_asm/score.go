package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maxHidden is the largest size of the hidden layer, which is on the stack. It is
// kernel.MaxHidden.
const maxHidden = 256

// classBlocks is the number of blocks of scores that one pass over the hidden layer computes.
// 7 blocks have 112 classes, enough for spaCy's parser, and take 14 registers of AVX2.
const classBlocks = 7

// score writes the function for one step of a parser: the sum of the features, the maxout of
// two pieces, and the product with the upper layer.
func score(u unit) {
	TEXT("score"+u.name, 0, "func(scores *float32, classes int, features *float32, rows *int32, slots int, lowerBias *float32, hidden int, upper, upperBias *float32, stride int)")
	Doc("score"+u.name+" is scoreGeneric, with upper ordered [hidden][stride] and stride a",
		"multiple of 16. Each score is one chain of FMAs from zero, hidden ascending.")
	Pragma("noescape")
	hid := AllocLocal(maxHidden * floatSize)
	hiddenLayer(u, hid)
	upperLayer(u, hid)
	done()
}

// hiddenLayer writes the code for the hidden layer. The code adds the features and stores the
// maximum of the two pieces in hid.
func hiddenLayer(u unit, hid Mem) {
	features, bias := load64("features"), load64("lowerBias")
	rows, slots, left := load64("rows"), load64("slots"), load64("hidden")
	piece, slot, token, to := GP64(), GP64(), GP64(), GP64()
	MOVQ(left, piece)
	SHLQ(Imm(2), piece) // the size of a piece in bytes
	LEAQ(Mem{Base: piece, Index: piece, Scale: 1}, slot)
	MOVQ(slot, token)
	IMULQ(slots, token)
	LEAQ(hid, to)

	pass := func(name string, blocks int, m mask) {
		sums := [2][]block{u.blocks(blocks), u.blocks(blocks)}
		for _, b := range append(sums[0][:blocks:blocks], sums[1]...) {
			u.zero(b...)
		}
		add := func(from reg.Register) {
			for i := range blocks {
				u.add(Mem{Base: from}, i, sums[0][i], m)
				u.add(Mem{Base: from, Index: piece, Scale: 1}, i, sums[1][i], m)
			}
		}
		k, from, at := GP64(), GP64(), GP64()
		XORQ(k, k)
		MOVQ(features, from)
		JMP(LabelRef(name + "Check"))
		Label(name + "Slot")
		MOVLQSX(Mem{Base: rows, Index: k, Scale: 4}, at)
		IMULQ(token, at)
		ADDQ(from, at)
		add(at)
		ADDQ(slot, from)
		INCQ(k)
		Label(name + "Check")
		CMPQ(k, slots)
		JNE(LabelRef(name + "Slot"))
		add(bias)
		for i := range blocks {
			for h, v := range sums[0][i] {
				VMAXPS(sums[1][i][h], v, v)
			}
			u.store(sums[0][i], Mem{Base: to}, i, m)
		}
	}

	whole := func(name string, blocks int) {
		Label(name)
		CMPQ(left, Imm(uint64(blocks*blockLanes)))
		JLT(LabelRef(name + "Done"))
		pass(name, blocks, none)
		for _, p := range []reg.GPVirtual{features, bias, to} {
			ADDQ(U32(blocks*blockLanes*floatSize), p)
		}
		SUBQ(Imm(uint64(blocks*blockLanes)), left)
		JMP(LabelRef(name))
		Label(name + "Done")
	}
	Comment(fmt.Sprintf("Groups of %d values of the hidden layer.", u.hiddenBlocks*blockLanes))
	whole("hiddenWide", u.hiddenBlocks)
	Comment("Groups of 16 values.")
	whole("hiddenBlock", 1)
	Comment("The rest.")
	TESTQ(left, left)
	JZ(LabelRef("upperLayer"))
	pass("hiddenTail", 1, u.first(left))
}

// upperLayer writes the code for the scores. It has a body for each number of blocks up to
// classBlocks, and a loop over the largest body for more classes.
func upperLayer(u unit, hid Mem) {
	Label("upperLayer")
	l := upper{
		unit: u, hid: hid, scores: load64("scores"), classes: load64("classes"),
		w: load64("upper"), bias: load64("upperBias"), step: load64("stride"),
	}
	SHLQ(Imm(2), l.step) // floats to bytes
	Label("classes")
	for n := 1; n < classBlocks; n++ {
		CMPQ(l.classes, Imm(uint64(n*blockLanes)))
		JLE(LabelRef(fmt.Sprintf("classes%d", n)))
	}
	l.body(classBlocks)
	for n := classBlocks - 1; n >= 1; n-- {
		Label(fmt.Sprintf("classes%d", n))
		l.body(n)
	}
	Label("done")
}

type upper struct {
	unit
	hid             Mem
	scores, classes reg.GPVirtual
	w, bias, step   reg.GPVirtual
}

// body writes the code for the scores of n blocks of classes. The last block may be longer than
// the scores. A mask then limits what is stored.
func (l upper) body(n int) {
	name := fmt.Sprintf("scores%d", n)
	Comment(fmt.Sprintf("%d blocks of scores.", n))
	sums := l.blocks(n)
	for _, b := range sums {
		l.zero(b...)
	}
	hid, w, left := GP64(), GP64(), load64("hidden")
	LEAQ(l.hid, hid)
	MOVQ(l.w, w)
	Label(name)
	x := l.vec()
	VBROADCASTSS(Mem{Base: hid}, x)
	for i, b := range sums {
		for h, v := range b {
			VFMADD231PS(l.at(Mem{Base: w}, i, h), x, v)
		}
	}
	ADDQ(Imm(floatSize), hid)
	ADDQ(l.step, w)
	DECQ(left)
	JNZ(LabelRef(name))

	for i, b := range sums {
		l.add(Mem{Base: l.bias}, i, b, none)
		if i < n-1 {
			l.store(b, Mem{Base: l.scores}, i, none)
		}
	}
	last := sums[n-1]
	SUBQ(Imm(uint64((n-1)*blockLanes)), l.classes)
	CMPQ(l.classes, Imm(blockLanes))
	JGE(LabelRef(name + "Whole"))
	l.store(last, Mem{Base: l.scores}, n-1, l.first(l.classes))
	JMP(LabelRef("done"))
	Label(name + "Whole")
	l.store(last, Mem{Base: l.scores}, n-1, none)
	if n < classBlocks {
		JMP(LabelRef("done"))
		return
	}
	SUBQ(Imm(blockLanes), l.classes)
	JZ(LabelRef("done"))
	for _, p := range []reg.GPVirtual{l.scores, l.w, l.bias} {
		ADDQ(U32(classBlocks*blockLanes*floatSize), p)
	}
	JMP(LabelRef("classes"))
}
