//go:build unix

package kernel

import (
	"fmt"
	"math"
	"testing"
)

// convShapes returns shapes near the widths of vectors, and those of networks.
func convShapes() []shape {
	var list []shape
	for _, out := range []int{1, 7, 8, 9, 15, 16, 17, 31, 48, 97} {
		for pieces := 1; pieces <= MaxPieces; pieces++ {
			for _, in := range []int{1, 5, 16, 19} {
				list = append(list, shape{out, pieces, in})
			}
		}
	}
	return append(list, shape{96, 3, 96}, shape{256, 3, 256})
}

// The factors of the rows and of the products, as in convInputGeneric and
// convOutputGeneric.
var (
	convRowFactors = [convProducts][6]float64{
		{2, -3, -4, 3, 2, 0},
		{0, -2, 1, 5, 2, 0},
		{0, -2, 5, -1, -2, 0},
		{0, 2, 1, -2, -1, 0},
		{0, 1, -2, -1, 2, 0},
		{0, 2, -3, -4, 3, 2},
	}
	convSumFactors = [ConvRows][convProducts]float64{
		{1, 1, 1, 8, 1, 0},
		{0, 1, -1, 4, -2, 0},
		{0, 1, 1, 2, 4, 0},
		{0, 1, -1, 1, -8, 1},
	}
)

// TestConvFactors checks that the three sets of factors together are exactly a window of
// three rows.
func TestConvFactors(t *testing.T) {
	for q := range ConvRows {
		for j := range 6 {
			for k := range 3 {
				var got, want float64
				for p := range convProducts {
					got += convSumFactors[q][p] * convRowFactors[p][j] * convWeights[p][k]
				}
				if j == q+k {
					want = 1
				}
				if math.Abs(got-want) > 1e-15 {
					t.Errorf("row %d of the results has %v of weight %d times row %d, want %v", q, got, k, j, want)
				}
			}
		}
	}
}

// convReference computes the outputs for row r of x in float64, as they are defined, and a
// bound of the rounding error. The bound grows with the size of every value that is rounded.
func convReference(w, bias []float32, s shape, x []float32, r int) (want, bound []float64) {
	const unit = 1.0 / (1 << 24)
	window := shape{s.out, s.pieces, 3 * s.in}
	want, _ = mulReference(w, bias, window, x[r*s.in:][:3*s.in])
	bound = make([]float64, s.out)
	group := x[r/ConvRows*ConvRows*s.in:]
	for o := range s.out {
		for p := range s.pieces {
			sum := math.Abs(float64(bias[o*s.pieces+p]))
			for k := range convProducts {
				var product float64
				for i := range s.in {
					var rows, weights float64
					for j, f := range convRowFactors[k] {
						rows += math.Abs(f * float64(group[j*s.in+i]))
					}
					for j, f := range convWeights[k] {
						weights += math.Abs(f * float64(w[((o*s.pieces+p)*3+j)*s.in+i]))
					}
					product += rows * weights
				}
				sum += math.Abs(convSumFactors[r%ConvRows][k]) * product
			}
			bound[o] = max(bound[o], float64(s.in+16)*unit*sum)
		}
	}
	return want, bound
}

func TestConvAgainstReference(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range convShapes() {
			g := guard{t: t}
			w, bias := g.random(r, s.out*s.pieces*3*s.in), g.random(r, s.out*s.pieces)
			c := NewConv(w, bias, s.out, s.pieces, s.in)
			if c.Out() != s.out || c.Pieces() != s.pieces || c.In() != s.in {
				t.Fatalf("convolution of %v says %d, %d, %d", s, c.Out(), c.Pieces(), c.In())
			}
			for _, rows := range []int{4, 8, 12, convGroups * ConvRows, convGroups*ConvRows + 4} {
				g := guard{t: t}
				x, dst, scratch := g.random(r, (rows+2)*s.in), g.floats(rows*s.out), g.floats(c.Scratch())
				c.Mul(dst, x, rows, scratch)
				for _, row := range []int{0, 1, 2, 3, rows/2 + 1, rows - 1} {
					want, bound := convReference(w, bias, s, x, row)
					for o := range want {
						if got := float64(dst[row*s.out+o]); !(math.Abs(got-want[o]) <= bound[o]) {
							t.Fatalf("%v, %d rows: dst[%d][%d] = %v, want %v ± %g", s, rows, row, o, got, want[o], bound[o])
						}
					}
				}
				g.release()
			}
			g.release()
		}
	})
}

// TestConvBatch checks that the result of a group does not depend on other groups.
func TestConvBatch(t *testing.T) {
	const groups = convGroups + 3
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range convShapes() {
			c := NewConv(fillRandom(r, make([]float32, s.out*s.pieces*3*s.in)), nil, s.out, s.pieces, s.in)
			scratch := make([]float32, c.Scratch())
			x := fillRandom(r, make([]float32, (groups*ConvRows+2)*s.in))
			got, alone := make([]float32, groups*ConvRows*s.out), make([]float32, ConvRows*s.out)
			c.Mul(got, x, groups*ConvRows, scratch)
			for group := range groups {
				c.Mul(alone, x[group*ConvRows*s.in:], ConvRows, scratch)
				if i := firstDifference(alone, got[group*ConvRows*s.out:]); i >= 0 {
					t.Fatalf("%v, group %d of %d: value %d = %v, alone %v", s, group, groups, i, got[group*ConvRows*s.out+i], alone[i])
				}
			}
		}
	})
}

// TestConvVariantsAgree checks that AVX2 and AVX-512 compute the same bits.
func TestConvVariantsAgree(t *testing.T) {
	if len(Variants()) < 3 {
		t.Logf("only %v here: nothing to compare", Variants())
		return
	}
	r := newRand()
	for _, s := range convShapes() {
		const rows = 5 * ConvRows
		w := fillRandom(r, make([]float32, s.out*s.pieces*3*s.in))
		x := fillRandom(r, make([]float32, (rows+2)*s.in))
		var results [2][]float32
		for i, name := range []string{"avx2", "avx512"} {
			use(t, name)
			c := NewConv(w, nil, s.out, s.pieces, s.in)
			results[i] = make([]float32, rows*s.out)
			c.Mul(results[i], x, rows, make([]float32, c.Scratch()))
		}
		if i := firstDifference(results[0], results[1]); i >= 0 {
			t.Fatalf("%v: value %d is %v with AVX2 and %v with AVX-512", s, i, results[0][i], results[1][i])
		}
	}
}

// TestConvPrecision checks that the mean error is at most twice that of a matrix over the
// whole window.
func TestConvPrecision(t *testing.T) {
	s := shape{96, 3, 96}
	forEachVariant(t, func(t *testing.T) {
		const rows = 64
		r := newRand()
		w := fillRandom(r, make([]float32, s.out*s.pieces*3*s.in))
		bias := make([]float32, s.out*s.pieces)
		x := fillRandom(r, make([]float32, (rows+2)*s.in))
		conv, direct := make([]float32, rows*s.out), make([]float32, rows*s.out)
		c := NewConv(w, bias, s.out, s.pieces, s.in)
		c.Mul(conv, x, rows, make([]float32, c.Scratch()))
		NewMatrix(w, bias, s.out, s.pieces, 3*s.in).Mul(direct, s.out, x, s.in, rows)
		var convErr, directErr float64
		for row := range rows {
			want, _ := mulReference(w, bias, shape{s.out, s.pieces, 3 * s.in}, x[row*s.in:][:3*s.in])
			for o := range want {
				convErr += math.Pow(float64(conv[row*s.out+o])-want[o], 2)
				directErr += math.Pow(float64(direct[row*s.out+o])-want[o], 2)
			}
		}
		ratio := math.Sqrt(convErr / directErr)
		t.Logf("root mean square error %.3g times that of a matrix", ratio)
		if ratio > 2 {
			t.Errorf("root mean square error is %.3g times that of a matrix, want at most 2", ratio)
		}
	})
}

func TestConvPanics(t *testing.T) {
	c := NewConv(make([]float32, 2*3*4), nil, 2, 1, 4)
	scratch := make([]float32, c.Scratch())
	for name, f := range map[string]func(){
		"rows":    func() { c.Mul(make([]float32, 6), make([]float32, 20), 3, scratch) },
		"x":       func() { c.Mul(make([]float32, 8), make([]float32, 23), 4, scratch) },
		"dst":     func() { c.Mul(make([]float32, 7), make([]float32, 24), 4, scratch) },
		"scratch": func() { c.Mul(make([]float32, 8), make([]float32, 24), 4, scratch[1:]) },
		"weights": func() { NewConv(make([]float32, 5), nil, 2, 1, 4) },
		"pieces":  func() { NewConv(make([]float32, 2*4*3*4), nil, 2, 4, 4) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// BenchmarkConv computes 176, 24 and 4 rows. window-GFLOP/s is the speed that a matrix over
// the whole window would need to be as fast.
func BenchmarkConv(b *testing.B) {
	for _, name := range Variants() {
		for _, rows := range []int{176, 24, 4} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				use(b, name)
				c := NewConv(values(96*3*288), values(96*3), 96, 3, 96)
				x, dst, scratch := values((rows+2)*96), make([]float32, rows*96), make([]float32, c.Scratch())
				flops := 2 * rows * 96 * 3 * 288
				best := bestOf(b, 1+2_500_000/flops, func() { c.Mul(dst, x, rows, scratch) })
				b.ReportMetric(float64(flops)/best, "window-GFLOP/s")
			})
		}
	}
}
