//go:build purego || !amd64

package kernel

func available() []variant { return []variant{generic} }

func mul(m *Matrix, dst []float32, ldd int, x []float32, ldx, rows int) {
	mulGeneric(m, dst, ldd, x, ldx, rows)
}

func layerNorm(dst []float32, ldd int, x []float32, ldx int, residual []float32, ldr int, g, b []float32, rows int) {
	layerNormGeneric(dst, ldd, x, ldx, residual, ldr, g, b, rows)
}

func addRows(dst []float32, table []byte, rows []uint32) {
	addRowsGeneric(dst, table, rows)
}

func score(s *Scorer, scores, features []float32, rows []int32) {
	scoreGeneric(s, scores, features, rows)
}
