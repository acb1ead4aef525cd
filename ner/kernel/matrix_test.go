//go:build unix

package kernel

import (
	"fmt"
	"math"
	"testing"
)

// shape is the shape of a matrix with out×pieces columns and in rows.
type shape struct{ out, pieces, in int }

// shapes returns shapes near the widths of vectors and panels, with few inputs, and those of
// spaCy's networks.
func shapes() []shape {
	var list []shape
	for _, out := range []int{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 32, 33, 47, 48, 49, 74, 97} {
		for pieces := 1; pieces <= 3; pieces++ {
			for _, in := range []int{1, 2, 5, 33} {
				list = append(list, shape{out, pieces, in})
			}
		}
	}
	return append(list, networkShapes...)
}

var networkShapes = []shape{
	{96, 3, 288}, // window encoder
	{96, 3, 384}, // mix of the ner's tok2vec
	{96, 3, 576}, // mix of the shared tok2vec
	{96, 1, 300}, // static vectors
	{64, 1, 96},  // linear
	{384, 1, 64}, // lower, three slots
}

const maxTestRows = 17

// mulReference computes the outputs in float64, as they are defined, and a bound of the
// error of a chain of in+1 roundings.
func mulReference(w, bias []float32, s shape, x []float32) (want, bound []float64) {
	const unit = 1.0 / (1 << 24)
	want, bound = make([]float64, s.out), make([]float64, s.out)
	for o := range s.out {
		want[o] = math.Inf(-1)
		for p := range s.pieces {
			var sum, abs float64
			for i := range s.in {
				v := float64(w[(o*s.pieces+p)*s.in+i]) * float64(x[i])
				sum += v
				abs += math.Abs(v)
			}
			if bias != nil {
				sum += float64(bias[o*s.pieces+p])
				abs += math.Abs(float64(bias[o*s.pieces+p]))
			}
			want[o] = max(want[o], sum)
			bound[o] = max(bound[o], float64(s.in+2)*unit*abs)
		}
	}
	return want, bound
}

func TestMulAgainstReference(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range shapes() {
			g := guard{t: t}
			w, bias := g.random(r, s.out*s.pieces*s.in), g.random(r, s.out*s.pieces)
			m := NewMatrix(w, bias, s.out, s.pieces, s.in)
			if m.Out() != s.out || m.Pieces() != s.pieces || m.In() != s.in {
				t.Fatalf("matrix of %v says %d, %d, %d", s, m.Out(), m.Pieces(), m.In())
			}
			ldd, ldx := s.out+3, s.in+1
			for rows := 1; rows <= maxTestRows; rows++ {
				g := guard{t: t}
				x, dst := g.random(r, (rows-1)*ldx+s.in), g.floats((rows-1)*ldd+s.out)
				m.Mul(dst, ldd, x, ldx, rows)
				for i, got := range dst {
					row, o := i/ldd, i%ldd
					if o >= s.out && !isGuard(got) {
						t.Fatalf("%v, %d rows: wrote %v between rows, at row %d, column %d", s, rows, got, row, o)
					}
				}
				// TestMulBatch compares the rows of a call with each other. So
				// three rows are enough for the slow reference.
				for _, row := range []int{0, rows / 2, rows - 1} {
					want, bound := mulReference(w, bias, s, x[row*ldx:][:s.in])
					for o := range want {
						if got := float64(dst[row*ldd+o]); !(math.Abs(got-want[o]) <= bound[o]) {
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

// TestMulBatch checks that the result of a row does not depend on the number of rows nor on
// its place among them.
func TestMulBatch(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range shapes() {
			m := NewMatrix(fillRandom(r, make([]float32, s.out*s.pieces*s.in)), nil, s.out, s.pieces, s.in)
			x := fillRandom(r, make([]float32, maxTestRows*s.in))
			want := make([]float32, maxTestRows*s.out)
			for row := range maxTestRows {
				m.Mul(want[row*s.out:], s.out, x[row*s.in:], s.in, 1)
			}
			for rows := 2; rows <= maxTestRows; rows++ {
				for first := 0; first+rows <= maxTestRows; first++ {
					got := make([]float32, rows*s.out)
					m.Mul(got, s.out, x[first*s.in:], s.in, rows)
					if i := firstDifference(got, want[first*s.out:]); i >= 0 {
						t.Fatalf("%v, rows %d to %d: row %d, output %d = %v, alone %v", s, first, first+rows-1, first+i/s.out, i%s.out, got[i], want[first*s.out+i])
					}
				}
			}
		}
	})
}

// TestMulOverlap checks that rows that overlap have the same results as copies of them.
func TestMulOverlap(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range []struct{ width, out, pieces int }{{96, 96, 3}, {5, 9, 2}, {1, 1, 1}} {
			in := 3 * s.width
			m := NewMatrix(fillRandom(r, make([]float32, s.out*s.pieces*in)), nil, s.out, s.pieces, in)
			for rows := 1; rows <= maxTestRows; rows++ {
				g := guard{t: t}
				x := g.random(r, (rows+2)*s.width)
				apart := g.floats(rows * in)
				for row := range rows {
					copy(apart[row*in:][:in], x[row*s.width:])
				}
				got, want := g.floats(rows*s.out), g.floats(rows*s.out)
				m.Mul(got, s.out, x, s.width, rows)
				m.Mul(want, s.out, apart, in, rows)
				if i := firstDifference(got, want); i >= 0 {
					t.Fatalf("%v, %d rows: output %d = %v, of copied rows %v", s, rows, i, got[i], want[i])
				}
				g.release()
			}
		}
	})
}

func TestMulNoBias(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		m := NewMatrix([]float32{2, 3}, nil, 1, 1, 2)
		dst := []float32{7}
		m.Mul(dst, 1, []float32{10, 100}, 2, 1)
		if dst[0] != 320 {
			t.Errorf("2*10 + 3*100 = %v, want 320", dst[0])
		}
		m.Mul(nil, 1, nil, 2, 0) // with 0 rows, the slices may be empty
	})
}

// TestAssemblyAgrees checks that AVX2 and AVX-512 compute the same bits.
func TestAssemblyAgrees(t *testing.T) {
	var fused []string
	for _, name := range Variants() {
		if name != "generic" {
			fused = append(fused, name)
		}
	}
	if len(fused) < 2 {
		t.Logf("nothing to compare here: %v", Variants())
	}
	var want [][]float32
	for i, name := range fused {
		t.Run(name, func(t *testing.T) {
			use(t, name)
			got := computeAll()
			if i == 0 {
				want = got
			}
			for c := range want {
				if i := firstDifference(got[c], want[c]); i >= 0 {
					t.Errorf("case %d, value %d = %v, %s has %v", c, i, got[c][i], fused[0], want[c][i])
				}
			}
		})
	}
}

// computeAll runs every operation on the same inputs in every variant.
func computeAll() (results [][]float32) {
	r := newRand()
	random := func(n int) []float32 { return fillRandom(r, make([]float32, n)) }
	for _, s := range shapes() {
		m := NewMatrix(random(s.out*s.pieces*s.in), random(s.out*s.pieces), s.out, s.pieces, s.in)
		dst := make([]float32, 11*s.out)
		m.Mul(dst, s.out, random(11*s.in), s.in, 11)
		results = append(results, dst)
	}
	for n := 1; n < 200; n++ {
		dst := make([]float32, 3*n)
		LayerNorm(dst, n, random(3*n), n, random(3*n), n, random(n), random(n), 3)
		results = append(results, dst)
	}
	for _, s := range scorerShapes() {
		scorer := NewScorer(random(s.classes*s.hidden), random(s.classes), s.classes, random(2*s.hidden), s.hidden)
		dst := make([]float32, s.classes)
		scorer.Score(dst, random(4*3*2*s.hidden), []int32{3, 0, 2})
		results = append(results, dst)
	}
	return results
}

func TestMatrixPanics(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		m := NewMatrix(make([]float32, 12), nil, 2, 2, 3)
		f := func(n int) []float32 { return make([]float32, n) }
		for name, call := range map[string]func(){
			"no outputs":       func() { NewMatrix(nil, nil, 0, 1, 1) },
			"four pieces":      func() { NewMatrix(f(4), nil, 1, 4, 1) },
			"too few weights":  func() { NewMatrix(f(11), nil, 2, 2, 3) },
			"too few biases":   func() { NewMatrix(f(12), f(3), 2, 2, 3) },
			"short x":          func() { m.Mul(f(4), 2, f(5), 3, 2) },
			"short dst":        func() { m.Mul(f(3), 2, f(6), 3, 2) },
			"dst rows overlap": func() { m.Mul(f(9), 1, f(6), 3, 2) },
			"x backwards":      func() { m.Mul(f(4), 2, f(9), -3, 2) },
		} {
			mustPanic(t, name, call)
		}
	})
}

func mustPanic(t *testing.T, name string, call func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	call()
}

func TestMulAllocations(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, s := range []shape{{96, 3, 288}, {74, 1, 64}, {5, 2, 3}} {
			m := NewMatrix(make([]float32, s.out*s.pieces*s.in), nil, s.out, s.pieces, s.in)
			x, dst := make([]float32, 9*s.in), make([]float32, 9*s.out)
			noAllocations(t, fmt.Sprint("Mul ", s), func() { m.Mul(dst, s.out, x, s.in, 9) })
		}
	})
}

func noAllocations(t *testing.T, name string, call func()) {
	t.Helper()
	if n := testing.AllocsPerRun(10, call); n != 0 {
		t.Errorf("%s: %v allocations", name, n)
	}
}
