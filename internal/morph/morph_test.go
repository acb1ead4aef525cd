package morph

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "_",
		"_":                      "_",
		"Person=3|Number=Sing":   "Number=Sing|Person=3",
		"B=2,1|A=y,x":            "A=x,y|B=1,2",
		"A=1|A=2":                "A=2",
		"A=":                     "A=",
		"PronType=Rel,Int|Case=": "Case=|PronType=Int,Rel",
	} {
		if feats, err := Parse(in); err != nil || feats.String() != want {
			t.Errorf("%q is %q, %v, want %q", in, feats.String(), err, want)
		}
	}
	for _, in := range []string{"A", "A=1|", "A=1=2", "|A=1", strings.Repeat("A", maxLen) + "=1"} {
		if _, err := Parse(in); err == nil {
			t.Errorf("%.40q: no error", in)
		}
	}
}

func TestParts(t *testing.T) {
	const feats = "Case=Acc,Nom|Number=Sing"
	if got := []string{Value(feats, "Case"), Value(feats, "Number"), Value(feats, "Person")}; !slices.Equal(got, []string{"Acc,Nom", "Sing", ""}) {
		t.Errorf("the values are %q", got)
	}
	if got := Each(feats); !slices.Equal(got, []string{"Case=Acc", "Case=Nom", "Number=Sing"}) {
		t.Errorf("the features are %q", got)
	}
	if Each("") != nil || Each(None) != nil {
		t.Error("no features are some")
	}
}
