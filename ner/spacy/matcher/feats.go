package matcher

import (
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// featsOf returns a list of morphological features in the form of spaCy's tokens.
func featsOf(list []any) ([]any, error) {
	out := make([]any, len(list))
	for i, x := range list {
		s, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("the list has %s, want strings", show(x))
		}
		feats, err := morph.Parse(s)
		if err != nil {
			return nil, err
		}
		out[i] = feats.String()
	}
	return out, nil
}

// setOfFeats returns a test that compares the features of a token, one by one, with a list of
// their ids. An element of the list with several features, or with several values of one, is
// equal to none of them.
func setOfFeats(op string, list []uint64) func(v *view) bool {
	in := idSet(list)
	return func(v *view) bool {
		var feats []uint64
		for _, f := range morph.Each(v.str(attrMorph)) {
			feats = append(feats, tokenizer.StringID(f))
		}
		isOther := func(id uint64) bool { return !in(id) }
		switch op {
		case "IS_SUBSET":
			return !slices.ContainsFunc(feats, isOther)
		case "INTERSECTS":
			return slices.ContainsFunc(feats, in)
		}
		return !slices.ContainsFunc(list, func(id uint64) bool { return !slices.Contains(feats, id) })
	}
}
