package prose

import "strings"

// A chunk is an entity as a range of tokens.
type chunk struct {
	first, last int
	label       string
}

// chunks joins labelled tokens to entities by prose's own rule, which is not
// BIO: an entity goes on as long as the label is not exactly the one expected
// (I-PERSON after B-PERSON) or the part of speech stays the same. prose keeps
// only the texts of its entities; here they keep their place.
func chunks(tokens []token) []chunk {
	var found []chunk
	first, expected := 0, "" // the open entity and the label that ends it, if not ""
	for i, t := range tokens {
		switch {
		case t.label != "O" && t.label != expected,
			expected != "" && (t.tag == tokens[i-1].tag || t.tag == "CD" && tokens[i-1].label != "O"):
			if expected == "" {
				first = i
			}
			expected = strings.Replace(t.label, "B", "I", 1)
		case expected != "":
			last := i
			if t.label == "O" {
				last--
			}
			found = append(found, chunk{first, last, entityLabel(tokens[first : last+1])})
			expected = ""
		}
	}
	if expected != "" { // prose loses it
		found = append(found, chunk{first, len(tokens) - 1, entityLabel(tokens[first:])})
	}
	return found
}

// entityLabel is the label of an entity of these tokens: that of the first one,
// except that a person wins between two.
func entityLabel(tokens []token) string {
	label := tokens[0].label
	if len(tokens) == 2 && tokens[1].label == "B-PERSON" {
		label = "B-PERSON"
	}
	_, label, _ = strings.Cut(label, "-")
	if label == "ORGANIZATION" {
		return "ORG" // as every other model says
	}
	return label
}
