// Package kernel has the arithmetic of spaCy's networks in float32: the operations in which
// a pipeline of the en_core_web family spends most of its time.
//
//	rows of the tables --AddRows--> 384 --Mul--> 96 --LayerNorm--> X
//	X --Conv, three neighbours as one row--> 96 --LayerNorm + X--> X   (four times)
//	X --Mul--> features of a token --Score, a step of the parser--> scores
//
// A Matrix is packed once, when the model is loaded. Several goroutines may multiply it with
// rows at once:
//
//	m := kernel.NewMatrix(w, bias, 96, 3, 384)     // maxout of 3 pieces, 384 -> 96
//	m.Mul(dst, 96, x, 384, rows)                   // row r of x starts at x[r*384]
//
// Every operation has three variants: AVX-512 and AVX2 in assembly (amd64), and plain Go.
// Plain Go runs everywhere, and the tests compare the other two with it. The best variant
// for the CPU is chosen at start. NARWHAL_SIMD=generic|avx2|avx512 in the environment
// chooses another one.
//
// A caller may rely on this:
//
//   - The result of a row does not depend on the number of rows that are computed with
//     it, nor on its place among them. With a Conv it depends also on the rows of x from
//     which its group of four is computed.
//   - AVX2 and AVX-512 compute the same bits. Plain Go differs from them by rounding: they
//     fuse multiplications with additions, and plain Go does not. (On arm64 the compiler
//     fuses some of them, so there plain Go computes still other bits.)
//   - The operations do not allocate. NewMatrix, NewConv and NewScorer do.
//   - A slice that is too short is a bug of the caller, and the function panics.
package kernel
