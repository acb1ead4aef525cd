package kernel

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	best := available()[0]
	for _, c := range []struct {
		name string
		want variant
		bad  bool
	}{
		{"", best, false},
		{"generic", generic, false},
		{best.String(), best, false},
		{"sse9", best, true},
		{"AVX2", best, true},
	} {
		got, err := choose(c.name)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("choose(%q) = %v, %v; want %v, error %v", c.name, got, err, c.want, c.bad)
		}
	}
	for _, name := range names {
		got, err := choose(name)
		if here := slices.Contains(Variants(), name); here != (err == nil) || here != (got.String() == name) {
			t.Errorf("choose(%q) = %v, %v; available %v", name, got, err, Variants())
		}
	}
}

func TestVariantsBestFirst(t *testing.T) {
	list := available()
	if !slices.IsSortedFunc(list, func(a, b variant) int { return int(b) - int(a) }) || !slices.Contains(list, generic) {
		t.Errorf("available variants = %v, want the best first and generic last", list)
	}
}

func TestSetVariant(t *testing.T) {
	before := Variant()
	restore, err := SetVariant("generic")
	if err != nil {
		t.Fatal(err)
	}
	if Variant() != "generic" {
		t.Errorf("variant = %s after SetVariant(generic)", Variant())
	}
	restore()
	if Variant() != before {
		t.Errorf("variant = %s after restore, want %s", Variant(), before)
	}
	for _, name := range []string{"", "sse9"} {
		if _, err := SetVariant(name); err == nil {
			t.Errorf("SetVariant(%q): no error", name)
		}
	}
}
