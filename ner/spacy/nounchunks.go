package spacy

import (
	"slices"

	"github.com/narwhal-server/narwhal/ner"
)

// chunkDeps are the labels of tokens that end a base noun phrase
// (spacy/lang/en/syntax_iterators.py).
var chunkDeps = []string{"oprd", "nsubj", "dobj", "nsubjpass", "pcomp", "pobj", "dative", "appos", "attr", "ROOT"}

// nounChunks returns the base noun phrases of an English text, spaCy's Doc.noun_chunks. A
// phrase goes from the left edge of the tree below a noun to this noun. None is inside of
// another.
func nounChunks(out []ner.Annotation) []ner.Span {
	left, _ := edges(out)
	var chunks []ner.Span
	end := 0
	for i, a := range out {
		isNoun := a.Pos == "NOUN" || a.Pos == "PROPN" || a.Pos == "PRON"
		if !isNoun || left[i] < end {
			continue
		}
		head := i
		if a.Dep == "conj" { // a phrase if the first one of the phrases that it joins is
			head = a.Head
			for out[head].Dep == "conj" && out[head].Head < head {
				head = out[head].Head
			}
		}
		if slices.Contains(chunkDeps, out[head].Dep) {
			chunks = append(chunks, ner.Span{Start: left[i], End: i + 1})
			end = i + 1
		}
	}
	return chunks
}
