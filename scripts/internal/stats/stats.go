// Package stats computes quantiles and medians for the tools in scripts.
package stats

import "slices"

// number is a measured value: a time, a rate, an amount of memory.
type number interface{ ~int64 | ~float64 }

// Quantile returns the smallest value that the given part of the values (0 to 1) does not
// exceed. It returns 0 if there are no values.
func Quantile[N number](values []N, part float64) N {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[min(len(s)-1, max(0, int(part*float64(len(s))+0.999999)-1))]
}

// Median returns the middle value, or the mean of the two in the middle. It returns 0 if
// there are no values.
func Median[N number](values []N) N {
	s := slices.Sorted(slices.Values(values))
	switch n := len(s); {
	case n == 0:
		return 0
	case n%2 == 0:
		return (s[n/2-1] + s[n/2]) / 2
	default:
		return s[n/2]
	}
}
