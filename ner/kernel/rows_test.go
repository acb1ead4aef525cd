//go:build unix

package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// layerNormReference computes LayerNorm in float64, as it is defined.
func layerNormReference(x, residual, g, b []float32) []float64 {
	n := float64(len(x))
	var mu, variance float64
	for _, v := range x {
		mu += float64(v) / n
	}
	for _, v := range x {
		variance += (float64(v) - mu) * (float64(v) - mu) / n
	}
	want := make([]float64, len(x))
	for i, v := range x {
		want[i] = (float64(v)-mu)/math.Sqrt(variance+epsilon)*float64(g[i]) + float64(b[i])
		if residual != nil {
			want[i] += float64(residual[i])
		}
	}
	return want
}

func TestLayerNorm(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for n := 1; n <= 130; n++ {
			for _, withResidual := range []bool{false, true} {
				g := guard{t: t}
				rows := 1 + n%5
				if n == 96 {
					rows = 150 // more than one call of assembly
				}
				ldd, ldx, ldr := n+1, n+2, n+3
				gain, bias := g.random(r, n), g.random(r, n)
				x, dst := g.random(r, (rows-1)*ldx+n), g.floats((rows-1)*ldd+n)
				var residual []float32
				if withResidual {
					residual = g.random(r, (rows-1)*ldr+n)
				}
				LayerNorm(dst, ldd, x, ldx, residual, ldr, gain, bias, rows)
				for row := range rows {
					var add []float32
					if withResidual {
						add = residual[row*ldr:][:n]
					}
					want := layerNormReference(x[row*ldx:][:n], add, gain, bias)
					for i := range want {
						// In a row of one value the difference to the mean is
						// only rounding, multiplied by 1e4.
						if got := float64(dst[row*ldd+i]); !(math.Abs(got-want[i]) <= 2e-5*(1+math.Abs(want[i]))) {
							t.Fatalf("width %d, residual %v: dst[%d][%d] = %v, want %v", n, withResidual, row, i, got, want[i])
						}
					}
					if row+1 < rows && !isGuard(dst[row*ldd+n]) {
						t.Fatalf("width %d, residual %v: wrote behind row %d", n, withResidual, row)
					}
				}
				g.release()
			}
		}
	})
}

// TestLayerNormConstant checks that the result of a row of equal values is the bias.
func TestLayerNormConstant(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		n := 96
		x, g, b := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], g[i], b[i] = 3, 2, float32(i)
		}
		dst := make([]float32, n)
		LayerNorm(dst, n, x, n, nil, 0, g, b, 1)
		if i := firstDifference(dst, b); i >= 0 {
			t.Errorf("constant row: dst[%d] = %v, want %v", i, dst[i], b[i])
		}
	})
}

// TestLayerNormInPlace checks that dst may be x or the residual.
func TestLayerNormInPlace(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, n := range []int{1, 7, 17, 96, 100} {
			const rows = 5
			random := func(n int) []float32 { return fillRandom(r, make([]float32, n)) }
			x, residual, g, b := random(rows*n), random(rows*n), random(n), random(n)
			want := make([]float32, rows*n)
			LayerNorm(want, n, x, n, residual, n, g, b, rows)
			toX, toResidual := append([]float32(nil), x...), append([]float32(nil), residual...)
			LayerNorm(toX, n, toX, n, residual, n, g, b, rows)
			LayerNorm(toResidual, n, x, n, toResidual, n, g, b, rows)
			if i := firstDifference(toX, want); i >= 0 {
				t.Errorf("width %d, into x: value %d = %v, want %v", n, i, toX[i], want[i])
			}
			if i := firstDifference(toResidual, want); i >= 0 {
				t.Errorf("width %d, into residual: value %d = %v, want %v", n, i, toResidual[i], want[i])
			}
		}
	})
}

func TestAddRows(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for n := 1; n <= 210; n++ {
			for count := 0; count <= 5; count++ {
				for shift := range 2 { // with a table that is aligned, and one that is not
					checkAddRows(t, r, n, count, 3*shift)
				}
			}
		}
		AddRows(nil, nil, []uint32{9}) // an empty dst: the table is not read
	})
}

// checkAddRows adds count rows of n values, and compares the bits with the definition. shift
// moves the first byte of the table away from a multiple of four.
func checkAddRows(t *testing.T, r *rand.Rand, n, count, shift int) {
	t.Helper()
	const tableRows = 7
	g := guard{t: t}
	defer g.release()
	table := g.bytes(tableRows*4*n + shift)[:tableRows*4*n]
	for i := range tableRows * n {
		binary.LittleEndian.PutUint32(table[4*i:], math.Float32bits(float32(r.NormFloat64())))
	}
	rows := make([]uint32, count)
	want := make([]float32, n)
	for k := range rows {
		rows[k] = r.Uint32N(tableRows)
		if k == 0 {
			rows[k] = tableRows - 1 // the last row: a read after the table is a fault
		}
		for i := range want {
			want[i] += math.Float32frombits(binary.LittleEndian.Uint32(table[4*(int(rows[k])*n+i):]))
		}
	}
	dst := g.floats(n)
	AddRows(dst, table, rows)
	if i := firstDifference(dst, want); i >= 0 {
		t.Fatalf("%d rows of %d: dst[%d] = %v, want %v", count, n, i, dst[i], want[i])
	}
}

func TestRowsPanic(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		f := func(n int) []float32 { return make([]float32, n) }
		for name, call := range map[string]func(){
			"row behind the table": func() { AddRows(f(2), make([]byte, 16), []uint32{0, 2}) },
			"row of half a table":  func() { AddRows(f(2), make([]byte, 15), []uint32{1}) },
			"largest row":          func() { AddRows(f(2), make([]byte, 16), []uint32{math.MaxUint32}) },
			"short bias":           func() { LayerNorm(f(4), 2, f(4), 2, nil, 0, f(2), f(1), 2) },
			"short x":              func() { LayerNorm(f(4), 2, f(3), 2, nil, 0, f(2), f(2), 2) },
			"short dst":            func() { LayerNorm(f(3), 2, f(4), 2, nil, 0, f(2), f(2), 2) },
			"short residual":       func() { LayerNorm(f(4), 2, f(4), 2, f(3), 2, f(2), f(2), 2) },
		} {
			mustPanic(t, name, call)
		}
	})
}

func TestRowsAllocations(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, n := range []int{96, 7} {
			x, dst, g := make([]float32, 9*n), make([]float32, 9*n), make([]float32, n)
			table := make([]byte, 4*4*n)
			noAllocations(t, "LayerNorm", func() { LayerNorm(dst, n, x, n, dst, n, g, g, 9) })
			noAllocations(t, "AddRows", func() {
				rows := [4]uint32{0, 3, 1, 1}
				AddRows(g, table, rows[:])
			})
		}
	})
}
