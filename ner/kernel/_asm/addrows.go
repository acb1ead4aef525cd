package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowBlocks is the number of blocks that one pass over the rows adds. 6 blocks have the 96
// values of a row of spaCy's tables.
const rowBlocks = 6

// addRows writes the function that adds rows of a table.
func addRows(u unit) {
	TEXT("addRows"+u.name, NOSPLIT, "func(dst *float32, n int, table *byte, rows *uint32, count int)")
	Doc("addRows" + u.name + " is addRowsGeneric for at least one value and any number of rows.")
	Pragma("noescape")
	dst, left, table, rows, count := load64("dst"), load64("n"), load64("table"), load64("rows"), load64("count")
	size := GP64()
	MOVQ(left, size)
	SHLQ(Imm(2), size) // floats to bytes

	pass := func(name string, blocks int, m mask) {
		sums := u.blocks(blocks)
		for _, b := range sums {
			u.zero(b...)
		}
		k := GP64()
		XORQ(k, k)
		JMP(LabelRef(name + "Check"))
		Label(name + "Row")
		at := GP64()
		MOVL(Mem{Base: rows, Index: k, Scale: 4}, at.As32())
		IMULQ(size, at)
		ADDQ(table, at)
		for i, b := range sums {
			u.add(Mem{Base: at}, i, b, m)
		}
		INCQ(k)
		Label(name + "Check")
		CMPQ(k, count)
		JNE(LabelRef(name + "Row"))
		for i, b := range sums {
			u.store(b, Mem{Base: dst}, i, m)
		}
	}

	Comment("Groups of 96 values.")
	whole(rowBlocks, "wide", left, dst, table, pass)
	Comment("Groups of 16 values.")
	whole(1, "block", left, dst, table, pass)
	Comment("The rest.")
	TESTQ(left, left)
	JZ(LabelRef("done"))
	pass("tail", 1, u.first(left))
	Label("done")
	done()
}

// whole writes a loop that calls pass for groups of blocks while there are enough values.
func whole(blocks int, name string, left, dst, table reg.GPVirtual, pass func(string, int, mask)) {
	Label(name)
	CMPQ(left, Imm(uint64(blocks*blockLanes)))
	JLT(LabelRef(name + "Done"))
	pass(name, blocks, none)
	ADDQ(U32(blocks*blockLanes*floatSize), dst)
	ADDQ(U32(blocks*blockLanes*floatSize), table)
	SUBQ(Imm(uint64(blocks*blockLanes)), left)
	JMP(LabelRef(name))
	Label(name + "Done")
}
