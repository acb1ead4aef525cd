package matcher

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// numbersOf returns a function that returns the same numbers in Go as a program in Python,
// from which the orders of these tests come.
func numbersOf() func() uint64 {
	x := uint64(12345)
	return func() uint64 {
		x = x*6364136223846793005 + 1442695040888963407
		return x
	}
}

// TestInSetOrder compares with list(set(matches)) of CPython 3.12.
func TestInSetOrder(t *testing.T) {
	for _, test := range []struct {
		n, places, want int
		sum             uint32
	}{{5, 1, 5, 2646587642}, {40, 3, 39, 2353301677}, {1000, 20, 856, 4151812583}, {60000, 5000, 57698, 3693963976}} {
		next := numbersOf()
		ids := make([]uint64, 50)
		for i := range ids {
			ids[i] = next()
		}
		ids[0] = 383
		below := func(n int) int32 { return int32(next() >> 33 % uint64(n)) }
		matches := make([]Match, test.n)
		for i := range matches {
			matches[i].Key = below(50)
			matches[i].Start = below(test.places)
			matches[i].End = int32(test.places) + below(3)
		}
		var order []string
		for _, m := range InSetOrder(matches, ids) {
			order = append(order, fmt.Sprint(m.Key, " ", m.Start, " ", m.End))
		}
		if sum := crc32.ChecksumIEEE([]byte(strings.Join(order, ","))); len(order) != test.want || sum != test.sum {
			t.Errorf("%d matches: %d in the set, %.60q…, checksum %d, want %d with the checksum %d", test.n, len(order), order, sum, test.want, test.sum)
		}
	}
}

// TestInMapOrder compares with the keys of a PreshMap of preshed 3.0.15.
func TestInMapOrder(t *testing.T) {
	next := numbersOf()
	ids := make([]uint64, 50)
	for i := range ids {
		ids[i] = next()
	}
	ids[0], ids[1], ids[2] = 383, 0, 1
	for _, test := range []struct {
		n    int
		want []int32
	}{
		{2, []int32{12, 2}},
		{5, []int32{44, 14, 48, 15, 29}},
		{12, []int32{28, 46, 48, 11, 4, 19, 12, 27, 9, 40, 13}},
		{200, []int32{0, 7, 21, 22, 19, 10, 29, 44, 23, 37, 20, 9, 40, 35, 45, 39, 14, 17, 16, 25, 42, 6, 41, 28, 46, 49, 48, 11, 34, 4, 15, 24, 31, 38, 26, 43, 36, 47, 12, 30, 32, 18, 5, 8, 3, 13, 1, 2}},
	} {
		keys := make([]int32, test.n)
		for i := range keys {
			keys[i] = int32(next() >> 33 % 50)
		}
		if got := inMapOrder(keys, ids); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", keys, got, test.want)
		}
	}
}
