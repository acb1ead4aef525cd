//go:build !purego

package kernel

func convInput(u, x []float32, n, groups int) {
	switch current {
	case avx512:
		convInputAVX512(&u[0], groups*n, &x[0], n, groups)
	case avx2:
		convInputAVX2(&u[0], groups*n, &x[0], n, groups)
	default:
		convInputGeneric(u, x, n, groups)
	}
}

func convOutput(dst, v, bias []float32, out, pieces, groups int) {
	switch current {
	case avx512:
		convOutputAVX512(&dst[0], &v[0], groups*pieces*out, &bias[0], out, pieces, groups)
	case avx2:
		convOutputAVX2(&dst[0], &v[0], groups*pieces*out, &bias[0], out, pieces, groups)
	default:
		convOutputGeneric(dst, v, bias, out, pieces, groups)
	}
}
