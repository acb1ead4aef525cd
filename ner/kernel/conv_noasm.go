//go:build purego || !amd64

package kernel

func convInput(u, x []float32, n, groups int) { convInputGeneric(u, x, n, groups) }

func convOutput(dst, v, bias []float32, out, pieces, groups int) {
	convOutputGeneric(dst, v, bias, out, pieces, groups)
}
