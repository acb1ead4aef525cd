//go:build unix

package kernel

import (
	"math"
	"testing"
)

type scorerShape struct{ hidden, classes int }

// scorerShapes returns shapes near the widths of vectors and blocks, and those of spaCy.
func scorerShapes() []scorerShape {
	list := []scorerShape{{64, 74}, {64, 107}, {128, 300}, {MaxHidden, 1}}
	for _, hidden := range []int{1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100} {
		for _, classes := range []int{1, 2, 7, 8, 9, 15, 16, 17, 33, 48, 95, 112, 113, 129, 226} {
			list = append(list, scorerShape{hidden, classes})
		}
	}
	return list
}

// scoreReference computes the scores as they are defined. It computes the hidden layer in
// float32, because its order of additions is fixed. It computes the upper layer in float64,
// with a bound of the rounding error.
func scoreReference(s scorerShape, upper, upperBias, lowerBias, features []float32, rows []int32) (want, bound []float64) {
	const unit = 1.0 / (1 << 24)
	u := make([]float32, 2*s.hidden)
	for f, row := range rows {
		for i := range u {
			u[i] += features[(int(row)*len(rows)+f)*2*s.hidden+i]
		}
	}
	for i := range u {
		u[i] += lowerBias[i]
	}
	want, bound = make([]float64, s.classes), make([]float64, s.classes)
	for c := range want {
		want[c] = float64(upperBias[c])
		bound[c] = math.Abs(want[c])
		for o := range s.hidden {
			v := float64(upper[c*s.hidden+o]) * float64(max(u[o], u[s.hidden+o]))
			want[c] += v
			bound[c] += math.Abs(v)
		}
		bound[c] *= float64(s.hidden+2) * unit
	}
	return want, bound
}

func TestScore(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := newRand()
		for _, s := range scorerShapes() {
			for slots := 1; slots <= 8; slots++ {
				const tokens = 3
				g := guard{t: t}
				upper, upperBias := g.random(r, s.classes*s.hidden), g.random(r, s.classes)
				lowerBias := g.random(r, 2*s.hidden)
				features := g.random(r, tokens*slots*2*s.hidden)
				rows := make([]int32, slots)
				for f := range rows {
					rows[f] = r.Int32N(tokens)
				}
				rows[slots-1] = tokens - 1 // the last features: a read after them is a fault
				scorer := NewScorer(upper, upperBias, s.classes, lowerBias, s.hidden)
				if scorer.Hidden() != s.hidden || scorer.Classes() != s.classes {
					t.Fatalf("scorer of %v says %d, %d", s, scorer.Hidden(), scorer.Classes())
				}
				got := g.floats(s.classes)
				scorer.Score(got, features, rows)
				want, bound := scoreReference(s, upper, upperBias, lowerBias, features, rows)
				for c := range want {
					if !(math.Abs(float64(got[c])-want[c]) <= bound[c]) {
						t.Fatalf("%v, %d slots: score %d = %v, want %v ± %g", s, slots, c, got[c], want[c], bound[c])
					}
				}
				g.release()
			}
		}
	})
}

// TestScoreKeepsRest checks that Score does not write after the classes, and that without
// slots the scores are computed from the biases.
func TestScoreKeepsRest(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		s := NewScorer([]float32{1, 10}, nil, 1, []float32{1, 2, 3, -4}, 2)
		scores := []float32{0, 5, 6}
		s.Score(scores, nil, nil)
		if want := []float32{1*3 + 10*2, 5, 6}; firstDifference(scores, want) >= 0 {
			t.Errorf("scores = %v, want %v", scores, want)
		}
	})
}

func TestScorerPanics(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		f := func(n int) []float32 { return make([]float32, n) }
		s := NewScorer(f(6), f(3), 3, f(4), 2)
		for name, call := range map[string]func(){
			"no classes":          func() { NewScorer(nil, nil, 0, f(4), 2) },
			"too many hidden":     func() { NewScorer(f(MaxHidden+1), f(1), 1, f(2*MaxHidden+2), MaxHidden+1) },
			"too few weights":     func() { NewScorer(f(5), f(3), 3, f(4), 2) },
			"too few biases":      func() { NewScorer(f(6), f(2), 3, f(4), 2) },
			"too few lower ones":  func() { NewScorer(f(6), f(3), 3, f(3), 2) },
			"short scores":        func() { s.Score(f(2), f(8), []int32{0, 0}) },
			"token out of range":  func() { s.Score(f(3), f(8), []int32{0, 1}) },
			"negative token":      func() { s.Score(f(3), f(8), []int32{0, -1}) },
			"incomplete features": func() { s.Score(f(3), f(7), []int32{0, 0}) },
		} {
			mustPanic(t, name, call)
		}
	})
}

func TestScoreAllocations(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		s := NewScorer(make([]float32, 64*74), nil, 74, make([]float32, 128), 64)
		scores, features := make([]float32, 74), make([]float32, 3*4*128)
		noAllocations(t, "Score", func() {
			rows := [3]int32{0, 2, 1}
			s.Score(scores, features, rows[:])
		})
	})
}
