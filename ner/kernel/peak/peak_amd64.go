//go:build !purego

package peak

import "golang.org/x/sys/cpu"

// run does n laps of the widest loop there is and returns the operations done.
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
