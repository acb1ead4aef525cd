package prose

import "strings"

// A chunk is an entity: a range of tokens and a label.
type chunk struct {
	first, last int // the first and the last token
	label       string
}

// chunks joins labelled tokens to entities. It follows prose's own rule, which is not BIO.
// An entity begins at a token whose label is not O. It goes on while the next label is
// neither O nor the expected one (I-PERSON after B-PERSON), or while the part of speech
// stays the same, or at a number (CD) after a labelled token. A token with the expected
// label is the last one of the entity. A token labelled O comes after the entity. prose
// keeps only the texts of entities. chunks keeps their places.
func chunks(tokens []token) []chunk {
	var found []chunk
	// first is the first token of the open entity. expected is the label that ends it;
	// "": no entity is open.
	first, expected := 0, ""
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
	if expected != "" { // prose loses an entity at the end of the text
		found = append(found, chunk{first, len(tokens) - 1, entityLabel(tokens[first:])})
	}
	return found
}

// entityLabel returns the label of an entity of these tokens. It is the label of the first
// token. Of an entity of two tokens it is PERSON if the second one has the label B-PERSON.
func entityLabel(tokens []token) string {
	label := tokens[0].label
	if len(tokens) == 2 && tokens[1].label == "B-PERSON" {
		label = "B-PERSON"
	}
	_, label, _ = strings.Cut(label, "-")
	if label == "ORGANIZATION" {
		return "ORG" // the name that spaCy's models use
	}
	return label
}
