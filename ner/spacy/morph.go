package spacy

import (
	"fmt"
	"slices"
	"strings"
)

// Morphological features are a string such as "Number=Sing|Person=3": fields with values,
// in the order of their strings. A field may have several values: "PronType=Int,Rel".

// noFeats is spaCy's string for a token that was looked at and has no features. A token that
// no component has looked at has the empty string.
const noFeats = "_"

// featMap has the value of each field.
type featMap map[string]string

// parseFeats reads features in any order.
func parseFeats(s string) (featMap, error) {
	feats := featMap{}
	if s == "" || s == noFeats {
		return feats, nil
	}
	for part := range strings.SplitSeq(s, "|") {
		field, value, ok := strings.Cut(part, "=")
		if !ok || strings.Contains(value, "=") {
			return nil, fmt.Errorf("the features %q have %q, want Field=Value", s, part)
		}
		values := strings.Split(value, ",")
		slices.Sort(values)
		feats[field] = strings.Join(values, ",")
	}
	return feats, nil
}

// String returns the features as spaCy writes them.
func (f featMap) String() string {
	if len(f) == 0 {
		return noFeats
	}
	parts := make([]string, 0, len(f))
	for field, value := range f {
		parts = append(parts, field+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, "|")
}

// feat returns the value of a field, or "".
func feat(feats, field string) string {
	for part := range strings.SplitSeq(feats, "|") {
		if name, value, _ := strings.Cut(part, "="); name == field {
			return value
		}
	}
	return ""
}

// posNames has the parts of speech in the order of spaCy's numbers for them, from firstPos.
var posNames = []string{
	"ADJ", "ADP", "ADV", "AUX", "CONJ", "CCONJ", "DET", "INTJ", "NOUN", "NUM",
	"PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X", "EOL", "SPACE",
}

const firstPos = 84

// posName returns the part of speech with spaCy's number. 0 is "".
func posName(id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	if id < firstPos || id >= firstPos+int64(len(posNames)) {
		return "", fmt.Errorf("%d is not the number of a part of speech", id)
	}
	return posNames[id-firstPos], nil
}
