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
var current, errEnv = choose(os.Getenv(envVariant))

// choose returns the variant called name, or the best one with an error if
// there is none of that name here. An empty name means the best.
func choose(name string) (variant, error) {
	all := available()
	if name == "" {
		return all[0], nil
	}
	for _, v := range all {
		if v.String() == name {
			return v, nil
		}
	}
	if slices.Contains(names[:], name) {
		return all[0], fmt.Errorf("%s=%s: not available here: want one of %s", envVariant, name, strings.Join(Variants(), ", "))
	}
	return all[0], fmt.Errorf("%s=%s: unknown: want one of %s", envVariant, name, strings.Join(names[:], ", "))
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
	if name == "" {
		return nil, fmt.Errorf("set kernel variant: no name: want one of %s", strings.Join(Variants(), ", "))
	}
	v, err := choose(name)
	if err != nil {
		return nil, fmt.Errorf("set kernel variant: %w", err)
	}
	old := current
	current = v
	return func() { current = old }, nil
}
