//go:build unix

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/ner/kernel/peak"
)

// corePeak is measured once, before the first benchmark.
var corePeak = sync.OnceValue(peak.GFLOPS)

// BenchmarkMul multiplies matrices with the shapes of the networks with 200 rows (a
// paragraph), 25 rows (a sentence) and 1 row. It reports the best GFLOP/s, where a
// multiply-add counts as two operations, and the share of the core's peak.
func BenchmarkMul(b *testing.B) {
	for _, name := range Variants() {
		for _, s := range []shape{{96, 3, 288}, {96, 3, 384}, {384, 1, 96}, {384, 1, 64}, {64, 1, 96}} {
			for _, rows := range []int{200, 25, 1} {
				b.Run(fmt.Sprintf("%s/%dx%dx(%dx%d)", name, rows, s.in, s.out, s.pieces), func(b *testing.B) {
					benchmarkMul(b, name, s, rows)
				})
			}
		}
	}
}

func benchmarkMul(b *testing.B, name string, s shape, rows int) {
	use(b, name)
	m := NewMatrix(values(s.out*s.pieces*s.in), values(s.out*s.pieces), s.out, s.pieces, s.in)
	ldx := s.in
	if s.in == 288 {
		ldx = 96 // the window encoder's rows overlap
	}
	x, dst := values((rows-1)*ldx+s.in), make([]float32, rows*s.out)
	flops := 2 * rows * s.out * s.pieces * s.in
	limit := corePeak()
	best := bestOf(b, 1+5_000_000/flops, func() { m.Mul(dst, s.out, x, ldx, rows) })
	b.ReportMetric(float64(flops)/best, "GFLOP/s")
	if limit > 0 {
		b.ReportMetric(100*float64(flops)/best/limit, "%peak")
	}
}

// bestOf calls f group times in each iteration of the benchmark. It reports and returns the
// nanoseconds of a call in the fastest group, because other programs also use the core. A
// group should take about 50 µs, which is much longer than the clock's resolution.
func bestOf(b *testing.B, group int, f func()) float64 {
	best := math.Inf(1)
	for b.Loop() {
		start := time.Now()
		for range group {
			f()
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(group))
	}
	b.ReportMetric(best, "best-ns")
	b.ReportMetric(0, "ns/op") // it would be the time of a group: leave it out
	return best
}

// BenchmarkNewMatrix packs a layer of the window encoder.
func BenchmarkNewMatrix(b *testing.B) {
	for _, name := range Variants() {
		b.Run(name, func(b *testing.B) {
			use(b, name)
			w := values(96 * 3 * 288)
			bestOf(b, 1, func() { NewMatrix(w, nil, 96, 3, 288) })
		})
	}
}

// BenchmarkLayerNorm normalises 200 rows of 96 with a residual.
func BenchmarkLayerNorm(b *testing.B) {
	for _, name := range Variants() {
		b.Run(name, func(b *testing.B) {
			use(b, name)
			const n, rows = 96, 200
			x, residual, g, bias, dst := values(rows*n), values(rows*n), values(n), values(n), make([]float32, rows*n)
			best := bestOf(b, 10, func() { LayerNorm(dst, n, x, n, residual, n, g, bias, rows) })
			b.ReportMetric(best/rows, "best-ns/row")
		})
	}
}

// BenchmarkAddRows sums four random rows of 96 of a table of 5000.
func BenchmarkAddRows(b *testing.B) {
	for _, name := range Variants() {
		b.Run(name, func(b *testing.B) {
			use(b, name)
			const n, tableRows = 96, 5000
			table, dst := make([]byte, tableRows*n*4), make([]float32, n)
			r := rand.New(rand.NewPCG(1, 2))
			var rows [4096][4]uint32
			for i := range rows {
				for k := range rows[i] {
					rows[i][k] = r.Uint32N(tableRows)
				}
			}
			i := 0
			bestOf(b, 2000, func() {
				AddRows(dst, table, rows[i%len(rows)][:])
				i++
			})
		})
	}
}

// BenchmarkScore computes the scores of states of the entity recognizer (3 slots, 74 classes)
// and of the dependency parser (8 slots, 107 classes).
func BenchmarkScore(b *testing.B) {
	for _, name := range Variants() {
		for _, s := range []struct{ slots, classes int }{{3, 74}, {8, 107}} {
			b.Run(fmt.Sprintf("%s/%dslots-%dclasses", name, s.slots, s.classes), func(b *testing.B) {
				use(b, name)
				const hidden, tokens = 64, 200
				scorer := NewScorer(values(s.classes*hidden), values(s.classes), s.classes, values(2*hidden), hidden)
				features, scores, rows := values(tokens*s.slots*2*hidden), make([]float32, s.classes), make([]int32, s.slots)
				i := 0
				bestOf(b, 400, func() {
					for f := range rows {
						rows[f] = int32((i + f) % tokens)
					}
					scorer.Score(scores, features, rows)
					i++
				})
			})
		}
	}
}

// BenchmarkPeak reports the peak of a core, with which the other benchmarks are compared.
func BenchmarkPeak(b *testing.B) {
	best := 0.0
	for b.Loop() {
		best = max(best, peak.GFLOPS())
	}
	b.ReportMetric(best, "GFLOP/s")
}

// values returns n numbers between -1 and 1.
func values(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]float32, n)
	for i := range list {
		list[i] = 2*r.Float32() - 1
	}
	return list
}
