package kernel

import (
	"slices"
	"strings"
	"testing"
)

func TestFromEnv(t *testing.T) {
	best := available()[0]
	for _, c := range []struct {
		value string
		want  variant
		err   string
	}{
		{"", best, ""},
		{"generic", generic, ""},
		{best.String(), best, ""},
		{"sse9", best, `NARWHAL_SIMD: kernel variant "sse9" is unknown: want one of `},
		{"AVX2", best, `NARWHAL_SIMD: kernel variant "AVX2" is unknown: want one of `},
	} {
		got, err := fromEnv(c.value)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("fromEnv(%q) = %v, %v; want %v, %s…", c.value, got, err, c.want, c.err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, name := range names {
		got, err := find(name)
		here := slices.Contains(Variants(), name)
		if here != (err == nil) || here && got.String() != name {
			t.Errorf("find(%q) = %v, %v; available %v", name, got, err, Variants())
		}
		if !here && !strings.Contains(err.Error(), "cannot run on this machine") {
			t.Errorf("find(%q): error %v does not say that the machine lacks it", name, err)
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
