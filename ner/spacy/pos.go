package spacy

import "fmt"

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
