package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// variant says which code runs.
type variant uint8

const (
	generic variant = iota
	avx2            // AVX2 and FMA
	avx512          // AVX-512F
)

// names in the order of the constants, from the slowest to the best.
var names = [...]string{"generic", "avx2", "avx512"}

func (v variant) String() string { return names[v] }

// lanes is the number of float32 in one vector of the variant.
func (v variant) lanes() int { return [...]int{1, 8, 16}[v] }

// envVariant is the environment variable that forces a variant.
const envVariant = "NARWHAL_SIMD"

// current is the variant of LayerNorm and AddRows, and of every Matrix and
// Scorer made from now on. errEnv is what was wrong with the environment.
var current, errEnv = fromEnv(os.Getenv(envVariant))

// fromEnv returns the variant that the value of NARWHAL_SIMD asks for, or the
// best one if it is empty or, with an error, wrong.
func fromEnv(value string) (variant, error) {
	best := available()[0]
	if value == "" {
		return best, nil
	}
	v, err := find(value)
	if err != nil {
		return best, fmt.Errorf("%s: %w; using %s", envVariant, err, best)
	}
	return v, nil
}

// find returns the available variant called name.
func find(name string) (variant, error) {
	for _, v := range available() {
		if v.String() == name {
			return v, nil
		}
	}
	what := "is unknown"
	if slices.Contains(names[:], name) {
		what = "cannot run on this machine"
	}
	return 0, fmt.Errorf("kernel variant %q %s: want one of %s", name, what, strings.Join(Variants(), ", "))
}

// Variant returns the name of the variant in use: "avx512", "avx2" or "generic".
func Variant() string { return current.String() }

// Variants returns the names of the variants that can run here, the best first.
func Variants() []string {
	var list []string
	for _, v := range available() {
		list = append(list, v.String())
	}
	return list
}

// Err returns what was wrong with NARWHAL_SIMD, or nil. With an unknown or
// unavailable value the best variant is in use, as if it had not been set.
func Err() error { return errEnv }

// SetVariant changes the variant, for tests and benchmarks, and returns a
// function that changes it back. A Matrix or a Scorer keeps the variant it was
// made with, because its weights lie in the order of that variant. Nothing else
// of this package may run at the same time.
func SetVariant(name string) (restore func(), err error) {
	v, err := find(name)
	if err != nil {
		return nil, err
	}
	old := current
	current = v
	return func() { current = old }, nil
}
