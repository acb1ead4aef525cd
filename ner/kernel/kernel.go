// Package kernel is the arithmetic of spaCy's networks in float32: the
// operations that a tagger of the en_core_web family spends its time in.
//
//	rows of the tables --AddRows--> 384 --Mul--> 96 --LayerNorm--> X
//	X --Conv, three neighbours as one row--> 96 --LayerNorm + X--> X   (four times)
//	X --Mul--> features of a token --Score, a step of the parser--> scores
//
// A Matrix is packed once, when the model is loaded, and multiplied by any
// number of rows from any number of goroutines:
//
//	m := kernel.NewMatrix(w, bias, 96, 3, 384)     // maxout of 3 pieces, 384 -> 96
//	m.Mul(dst, 96, x, 384, rows)                   // row r of x starts at x[r*384]
//
// There are three variants of every operation: AVX-512 and AVX2 in assembly
// (amd64), and plain Go, which is the definition the other two are tested
// against and runs everywhere. The best one the CPU has is chosen at start;
// NARWHAL_SIMD=generic|avx2|avx512 in the environment chooses another.
//
// What a caller may rely on:
//
//   - The result of a row does not depend on how many rows are computed
//     with it, nor on their place; that of a Conv depends on the rows of its
//     group of four.
//   - AVX2 and AVX-512 give the same bits. Plain Go differs from them by
//     rounding: it multiplies and adds where they fuse (and where the compiler
//     fuses, as on arm64, it has bits of its own).
//   - No function allocates, except the two constructors.
//   - A slice that is too short is a bug of the caller and panics.
package kernel
