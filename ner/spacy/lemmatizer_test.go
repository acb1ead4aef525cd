package spacy

import (
	"testing"

	"github.com/narwhal-server/narwhal/internal/morph"
)

// The expected lemmas are those of spaCy's own EnglishLemmatizer with these tables.
func TestRules(t *testing.T) {
	m, err := newLemmatizer(lookupsFile(t, map[string]map[string]any{
		"lemma_rules": {
			"noun": []any{[]any{"s", ""}, []any{"ses", "s"}, []any{"ies", "y"}, []any{"men", "man"}, []any{"xx", ""}},
			"verb": []any{[]any{"ing", "e"}, []any{"ing", ""}},
		},
		"lemma_index": {"noun": []any{"bus", "fly", "dog", "gas"}, "verb": []any{"sing", "singe", "make"}},
		"lemma_exc": {
			"noun": map[string]any{"mice": []any{"mouse"}, "axes": []any{"ax", "axis"}, "gases": []any{"gas"}},
			"adj":  map[string]any{"better": []any{"good"}},
		},
	}), "rule", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ word, pos, morph, want string }{
		{"Dogs", "NOUN", "Number=Plur", "dog"},
		{"buses", "NOUN", "Number=Plur", "bus"},    // "buse" is not in the index
		{"flies", "NOUN", "Number=Plur", "fly"},    // nor is "flie"
		{"glorps", "NOUN", "Number=Plur", "glorp"}, // no form is in the index: the first one
		{"1990s", "NOUN", "Number=Plur", "1990"},   // no word: as if it were in the index
		{"xx", "NOUN", "Number=Plur", "xx"},        // an empty form does not count
		{"Mice", "NOUN", "Number=Plur", "mouse"},
		{"axes", "NOUN", "Number=Plur", "axis"}, // of two exceptions the last one
		{"gases", "NOUN", "Number=Plur", "gas"}, // an exception that the rules give, too
		{"Dogs", "NOUN", "Number=Sing", "dogs"}, // a base form already
		{"Making", "VERB", "VerbForm=Ger", "make"},
		{"Singing", "VERB", "VerbForm=Ger", "sing"}, // the index also has "singe", but it is the first form
		{"Making", "VERB", "VerbForm=Inf", "making"},
		{"Making", "VERB", "Tense=Pres|VerbForm=Fin", "making"},
		{"Making", "VERB", "Number=Sing|Tense=Pres|VerbForm=Fin", "make"},
		{"Making", "VERB", morph.None, "make"},
		{"Better", "ADJ", "Degree=Cmp", "good"},
		{"Better", "ADJ", "Degree=Pos", "better"},
		{"Worse", "ADJ", "Degree=Cmp", "Worse"}, // nothing fits: as it is written
		{"Paris", "PROPN", "Number=Sing", "Paris"},
		{"The", "DET", "Definite=Def", "the"},
		{"\n", "SPACE", morph.None, "\n"},
		{"İX", "", "", "i̇x"},
		{"ΟΔΟΣ", "X", "", "οδος"},
	} {
		if got := m.lemma(c.word, c.pos, c.morph); got != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.word, c.pos, c.morph, got, c.want)
		}
	}
}

func TestLookup(t *testing.T) {
	m, err := newLemmatizer(lookupsFile(t, map[string]map[string]any{"lemma_lookup": {"mice": "mouse", "number": "numb", "men": []any{"man", "mane"}}}), "lookup", false)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"mice": "mouse", "Mice": "Mice", "number": "numb", "men": "man"} {
		if got := m.lemma(word, "NOUN", ""); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
