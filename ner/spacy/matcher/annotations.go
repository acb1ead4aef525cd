package matcher

import (
	"slices"

	"github.com/narwhal-server/narwhal/ner"
)

// annotations are the attributes that other components set, in the order in which spaCy's
// Matcher looks for them.
var annotations = []attr{attrTag, attrPos, attrMorph, attrLemma, attrDep}

// annotationOf returns the value of such an attribute.
func annotationOf(a *ner.Annotation, field attr) string {
	switch field {
	case attrTag:
		return a.Tag
	case attrPos:
		return a.Pos
	case attrMorph:
		return a.Morph
	case attrLemma:
		return a.Lemma
	}
	return a.Dep
}

// has is spaCy's Doc.has_annotation: it reports whether a token has a value of the attribute.
func has(list []ner.Annotation, field attr) bool {
	return slices.ContainsFunc(list, func(a ner.Annotation) bool { return annotationOf(&a, field) != "" })
}
