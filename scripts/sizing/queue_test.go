package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

// The values of waits are from tables of Erlang's C. A single worker is M/M/1, whose
// formulas are simple.
func TestFormulas(t *testing.T) {
	for _, c := range []struct {
		workers    int
		load, want float64
	}{{1, 0.5, 0.5}, {2, 1, 1.0 / 3}, {2, 1.4, 0.5765}, {5, 4, 0.5541}, {10, 8, 0.4092}} {
		if got := waits(c.workers, c.load); !near(got, c.want, 0.0001) {
			t.Errorf("waits(%d, %v) = %v, want %v", c.workers, c.load, got, c.want)
		}
	}
	if got, want := response(1, 0.5, 0.99), math.Log(100)/0.5; !near(got, want, 1e-6) {
		t.Errorf("response of M/M/1 = %v, want %v", got, want)
	}
	if got := wait(4, 0.1, 0.99); got != 0 {
		t.Errorf("with hardly a request 99 %% wait for %v", got)
	}
	busy := fullest(8, 3, 0.99)
	if got := wait(8, 8*busy, 0.99); !near(got, 3, 1e-6) {
		t.Errorf("fullest gives %v, where requests wait for %v, want 3", busy, got)
	}
	if a, b := response(3, 2, 0.99), response(3, 2.000001, 0.99); !near(a, b, 0.001) {
		t.Errorf("response jumps from %v to %v", a, b)
	}
}

// A simulation of the queue gives the same times.
func TestSimulation(t *testing.T) {
	const workers, load, n = 4, 3.0, 400_000
	r := rand.New(rand.NewPCG(1, 2))
	free := make([]float64, workers)
	waited, took := make([]float64, n), make([]float64, n)
	now := 0.0
	for i := range n {
		now += r.ExpFloat64() / load
		w := slices.Index(free, slices.Min(free))
		begin := max(now, free[w])
		free[w] = begin + r.ExpFloat64()
		waited[i], took[i] = begin-now, free[w]-now
	}
	slices.Sort(waited)
	slices.Sort(took)
	if got, want := waited[n*99/100], wait(workers, load, 0.99); !near(got, want, 0.1*want) {
		t.Errorf("the simulated wait is %v, the formula's %v", got, want)
	}
	if got, want := took[n*99/100], response(workers, load, 0.99); !near(got, want, 0.1*want) {
		t.Errorf("the simulated response is %v, the formula's %v", got, want)
	}
}
