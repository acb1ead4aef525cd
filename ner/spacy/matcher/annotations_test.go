package matcher

import (
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// newAnnotated returns a text of four tokens. Its third one has features without any, and its
// last one was not annotated.
func newAnnotated(t *testing.T) *Doc {
	d := newDoc(testLanguage(t), "Mice ran off x")
	d.Annotations = []ner.Annotation{
		{Tag: "NNS", Pos: "NOUN", Morph: "Case=Acc,Nom|Number=Plur", Lemma: "mouse", Dep: "nsubj"},
		{Tag: "VBD", Pos: "VERB", Morph: "Number=Plur", Lemma: "run", Dep: "ROOT"},
		{Tag: "RP", Pos: "ADP", Morph: "_", Lemma: "off", Dep: "prt"},
		{},
	}
	d.SentStarts = []bool{true, false, false, true}
	return d
}

// What the features of tokens match is the same in spaCy (scripts/parity/rulers.sh).
func TestMatchAnnotations(t *testing.T) {
	for pattern, want := range map[string]string{
		`[{"TAG":"NNS"},{"POS":"VERB"}]`:                           "Mice ran",
		`[{"pos":92}]`:                                             "Mice", // spaCy's number of NOUN
		`[{"TAG":""}]`:                                             "x",
		`[{"TAG":{"REGEX":"^(NN|VB)"}}]`:                           "Mice|ran",
		`[{"LEMMA":{"IN":["mouse","off"]}}]`:                       "Mice|off",
		`[{"LEMMA":{"NOT_IN":["mouse","off"]}}]`:                   "ran|x",
		`[{"LEMMA":{"FUZZY1":"moose"}}]`:                           "Mice",
		`[{"DEP":{"FUZZY":{"IN":["nsubjs","rt"]}}}]`:               "Mice|off|x",
		`[{"MORPH":"Number=Plur"}]`:                                "ran",
		`[{"MORPH":"Number=Plur|Case=Acc,Nom"}]`:                   "", // a value is compared as it is
		`[{"MORPH":{"IN":["Number=Plur|Case=Nom,Acc"]}}]`:          "Mice",
		`[{"MORPH":{"NOT_IN":["Number=Plur",""]}}]`:                "Mice|x",
		`[{"MORPH":{"IN":[""]}}]`:                                  "off",
		`[{"MORPH":"_"}]`:                                          "off",
		`[{"MORPH":""}]`:                                           "x",
		`[{"MORPH":{"REGEX":"Number=Pl"}}]`:                        "Mice|ran",
		`[{"MORPH":{"FUZZY2":{"IN":["Number=Sing"]}}}]`:            "",
		`[{"MORPH":{"FUZZY4":{"NOT_IN":["Number=Sing"]}}}]`:        "Mice|off|x",
		`[{"MORPH":{"REGEX":{"NOT_IN":[]}},"POS":"ADP"}]`:          "off",
		`[{"MORPH":{"IS_SUBSET":["Number=Plur","Person=3"]}}]`:     "ran|off|x",
		`[{"MORPH":{"IS_SUBSET":[]}}]`:                             "off|x",
		`[{"MORPH":{"IS_SUPERSET":["Number=Plur","Case=Acc"]}}]`:   "Mice",
		`[{"MORPH":{"IS_SUPERSET":["Number=Plur|Case=Acc"]}}]`:     "", // no single feature
		`[{"MORPH":{"IS_SUPERSET":["Case=Acc,Nom"]}}]`:             "", // neither
		`[{"MORPH":{"IS_SUPERSET":[]}}]`:                           "Mice|ran|off|x",
		`[{"MORPH":{"INTERSECTS":["Case=Nom","Person=3","A=1"]}}]`: "Mice",
		`[{"SENT_START":true}]`:                                    "Mice|x",
		`[{"IS_SENT_START":false}]`:                                "ran|off",
		`[{"sent_start":{"IN":[0]}}]`:                              "ran|off",
		`[{"SENT_START":1,"POS":{"IS_SUBSET":["NOUN"]}}]`:          "Mice",
	} {
		if got := strings.Join(find(t, newAnnotated(t), pattern), "|"); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// TestMissing has texts for which spaCy's Matcher fails.
func TestMissing(t *testing.T) {
	d := newAnnotated(t)
	for i := range d.Annotations {
		d.Annotations[i].Lemma, d.Annotations[i].Dep = "", ""
	}
	for pattern, want := range map[string]string{
		`[{"TAG":"X"},{"MORPH":"_"}]`:                 "",
		`[{"DEP":"x"},{"lemma":"y"}]`:                 "LEMMA",
		`[{"DEP":"x","OP":"{0}"},{"TAG":"X"}]`:        "", // no token of a text is compared with it
		`[{"DEP":"x","LEMMA":{"IN":["y"]}}]`:          "DEP",
		`[{"LEMMA":{"IN":["y"]},"SENT_START":false}]`: "",
	} {
		m := New(testLanguage(t))
		if err := add(m, 0, pattern, true); err != nil {
			t.Fatal(err)
		}
		if got := m.Missing(d); got != want {
			t.Errorf("%s: %q is missing, want %q", pattern, got, want)
		}
		if got := m.Missing(&Doc{}); got != "" {
			t.Errorf("%s: %q is missing in an empty text", pattern, got)
		}
	}
}

func TestAnnotatedPhrases(t *testing.T) {
	l := testLanguage(t)
	phrase := func(m *PhraseMatcher, pos ...string) error {
		d := newDoc(l, strings.Repeat("x ", len(pos)))
		for _, p := range pos {
			d.Annotations = append(d.Annotations, ner.Annotation{Pos: p})
		}
		return m.Add(0, d)
	}
	for _, attribute := range []string{"POS", "pos", "74"} {
		m, err := NewPhrases(l, attribute, []uint64{1000})
		if err != nil || !m.Uses("POS") || m.Uses("TAG") {
			t.Fatalf("%s: %v", attribute, err)
		}
		for _, p := range [][]string{{"VERB", "ADP"}, {"ADP", ""}, {}} {
			if err := phrase(m, p...); err != nil {
				t.Error(err)
			}
		}
		if err := phrase(m, "", ""); err == nil || !strings.Contains(err.Error(), `no token of the phrase "x x " has POS`) {
			t.Errorf("a phrase without parts of speech: %v", err)
		}
		m.Finish()
		got, err := m.Match(t.Context(), newAnnotated(t), nil)
		if want := []Match{{0, 1, 3}, {0, 2, 4}}; err != nil || !slices.Equal(got, want) {
			t.Errorf("by %s: %v, %v, want %v", attribute, got, err, want)
		}
	}
}

// A component that sets annotations runs before there are entities.
func TestOnlyAnnotations(t *testing.T) {
	l := *testLanguage(t)
	l.OnlyAnnotations = true
	for pattern, want := range map[string]string{
		`[{"TAG":"X"}]`:         "",
		`[{"ENT_IOB":"B"}]`:     "ENT_IOB is not implemented in a component that sets annotations",
		`[{"SENT_START":true}]`: "SENT_START is not implemented in a component that sets annotations",
	} {
		if err := add(New(&l), 0, pattern, false); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}
