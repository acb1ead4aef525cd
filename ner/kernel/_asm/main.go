// Command asm writes the assembly of package kernel with -variant avx2 or avx512, and the
// loops of package peak with -variant peak. regen.sh runs it for all files.
//
// The same code here writes both variants. It computes blocks of 16 values: one register of
// AVX-512 or two of AVX2. So both variants compute the same bits.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	variant := flag.String("variant", "", "avx2, avx512 or peak")
	flag.Parse()
	ConstraintExpr("!purego")
	switch *variant {
	case "avx2":
		kernels(unit{name: "AVX2", lanes: 8, tileRows: 4, hiddenBlocks: 2})
	case "avx512":
		kernels(unit{name: "AVX512", lanes: 16, tileRows: 8, hiddenBlocks: 4})
	case "peak":
		peak(unit{name: "AVX2", lanes: 8}, 12)
		peak(unit{name: "AVX512", lanes: 16}, 24)
	default:
		log.Fatalf("variant is %q: want avx2, avx512 or peak", *variant)
	}
	Generate()
}

func kernels(u unit) {
	u.data()
	mulTiles(u)
	layerNorm(u)
	addRows(u)
	score(u)
	convInput(u)
	convOutput(u)
}
