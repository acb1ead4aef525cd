package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// peak writes a loop of n FMAs on registers that do not depend on each other. n must be large
// enough to hide the latency of an FMA.
func peak(u unit, n int) {
	TEXT("loop"+u.name, NOSPLIT, "func(n int)")
	Doc("loop" + u.name + " runs n times its FMAs.")
	left := load64("n")
	x := u.vec()
	u.zero(x)
	sums := u.vecs(n)
	u.zero(sums...)
	Label("loop")
	for _, v := range sums {
		VFMADD231PS(x, x, v)
	}
	DECQ(left)
	JNZ(LabelRef("loop"))
	done()
}
