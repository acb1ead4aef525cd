//go:build !purego

package peak

import "golang.org/x/sys/cpu"

// run runs the loop for the widest vectors of the CPU n times. It returns the number of
// operations, or 0 if the CPU has neither AVX-512 nor AVX2 with FMA.
func run(n int) float64 {
	switch {
	case cpu.X86.HasAVX512F:
		loopAVX512(n)
		return float64(n) * 24 * 16 * 2 // registers, lanes, multiplication and addition
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		loopAVX2(n)
		return float64(n) * 12 * 8 * 2
	default:
		return 0
	}
}
