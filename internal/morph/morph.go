// Package morph reads and writes morphological features as spaCy does.
//
// They are a string such as "Number=Sing|Person=3": fields with values, in the order of
// their strings. A field may have several values: "PronType=Int,Rel".
package morph

import (
	"fmt"
	"slices"
	"strings"
)

// None is spaCy's string for a token that was looked at and has no features. A token that no
// component has looked at has the empty string.
const None = "_"

// Feats has the value of each field.
type Feats map[string]string

// maxLen is how many bytes features may have. Those of real tokens have a few hundred. A tagger
// reads them for every token.
const maxLen = 10_000

// Parse reads features in any order.
func Parse(s string) (Feats, error) {
	if len(s) > maxLen {
		return nil, fmt.Errorf("features of %d bytes, the limit is %d", len(s), maxLen)
	}
	feats := Feats{}
	if s == "" || s == None {
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
func (f Feats) String() string {
	if len(f) == 0 {
		return None
	}
	parts := make([]string, 0, len(f))
	for field, value := range f {
		parts = append(parts, field+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, "|")
}

// Value returns the value of a field of features that String has written, or "".
func Value(feats, field string) string {
	for part := range strings.SplitSeq(feats, "|") {
		if name, value, _ := strings.Cut(part, "="); name == field {
			return value
		}
	}
	return ""
}

// Each returns the features that String has written one by one. A field with several values
// is several features: "PronType=Int,Rel" is "PronType=Int" and "PronType=Rel".
func Each(feats string) []string {
	if feats == "" || feats == None {
		return nil
	}
	var list []string
	for part := range strings.SplitSeq(feats, "|") {
		field, values, _ := strings.Cut(part, "=")
		for value := range strings.SplitSeq(values, ",") {
			list = append(list, field+"="+value)
		}
	}
	return list
}
