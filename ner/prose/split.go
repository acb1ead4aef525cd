package prose

import "github.com/jdkato/prose/v2"

// unread is a model that prose does not use. Without a model prose would load its own.
var unread = new(prose.Model)

// split returns prose's tokens of a clean span. Joined, they are the beginning of the span:
// prose may lose the rest. split returns nil if prose panics.
func split(span string) (words []string) {
	if plain(span) {
		return []string{span}
	}
	defer func() {
		if recover() != nil {
			words = nil
		}
	}()
	doc, err := prose.NewDocument(span, prose.UsingModel(unread),
		prose.WithSegmentation(false), prose.WithTagging(false), prose.WithExtraction(false))
	if err != nil {
		return nil
	}
	for _, t := range doc.Tokens() {
		words = append(words, t.Text)
	}
	return words
}

// plain reports whether a span has only ASCII letters and digits. prose does not split such
// a span. Most spans are plain.
func plain(span string) bool {
	for i := range len(span) {
		c := span[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
