package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// variant is one of the implementations of the operations.
type variant uint8

const (
	generic variant = iota
	avx2            // AVX2 and FMA
	avx512          // AVX-512F
)

// names has the names of the variants in the order of the constants, from the slowest to
// the fastest.
var names = [...]string{"generic", "avx2", "avx512"}

func (v variant) String() string { return names[v] }

// lanes returns the number of float32 in one vector of the variant.
func (v variant) lanes() int { return [...]int{1, 8, 16}[v] }

// envVariant is the environment variable that chooses a variant.
const envVariant = "NARWHAL_SIMD"

// current is the variant of LayerNorm, AddRows and the sums of Conv.Mul, and of every Matrix
// and Scorer that is made from now on. errEnv is the error of NARWHAL_SIMD's value, or nil.
var current, errEnv = fromEnv(os.Getenv(envVariant))

// fromEnv returns the variant for a value of NARWHAL_SIMD. For an empty value it returns the
// best one. For a wrong value it returns the best one and an error.
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

// find returns the variant called name. It fails if there is no such variant, or if it
// cannot run on this machine.
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

// Variants returns the names of the variants that can run on this machine, the best first.
func Variants() []string {
	var list []string
	for _, v := range available() {
		list = append(list, v.String())
	}
	return list
}

// Err returns an error if the value of NARWHAL_SIMD is no variant, or one that cannot run on
// this machine. Then the best variant is in use.
func Err() error { return errEnv }

// SetVariant changes the variant, for tests and benchmarks. It returns a function that
// changes it back, or an error if the variant cannot run. A Matrix or a Scorer keeps the
// variant with which it was made, because the order of its weights depends on the variant.
// No other function of this package may run at the same time.
func SetVariant(name string) (restore func(), err error) {
	v, err := find(name)
	if err != nil {
		return nil, err
	}
	old := current
	current = v
	return func() { current = old }, nil
}
