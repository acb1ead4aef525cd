package prose

import (
	"fmt"
	"strings"

	"github.com/jdkato/prose/v2"
)

// sentinel is appended to every piece: prose loses an entity that ends its
// text ("I live in Paris").
const sentinel = "."

// A token is prose's word: part of a span, and where it is in the text.
type token struct {
	text       string // as prose sees it
	tag, label string // part of speech; B-PERSON, I-PERSON, …, O
	start, end int    // byte offsets in the text
}

// tokens has prose read a piece of text. The tokens come without the sentinel.
//
// prose gives tokens without offsets and leaves some characters out ("John's."
// becomes "John"), so it is asked twice: what the tokens of each span are,
// which says where they are, and then what they mean beside each other.
func (r *Recognizer) tokens(text string, piece []span) ([]token, error) {
	var tokens []token
	var words strings.Builder
	for _, s := range piece {
		at := 0
		for _, word := range split(s.clean) {
			tokens = append(tokens, token{
				text:  word,
				start: s.origin(text, at),
				end:   s.origin(text, at+len(word)),
			})
			at += len(word)
		}
		words.WriteString(s.clean)
		words.WriteByte(' ')
	}
	words.WriteString(sentinel)
	doc, err := prose.NewDocument(words.String(), prose.UsingModel(r.model), prose.WithSegmentation(false))
	if err != nil {
		return nil, err
	}
	read := doc.Tokens()
	if len(read) != len(tokens)+1 {
		return nil, fmt.Errorf("prose finds %d tokens in a text and %d in its words", len(read)-1, len(tokens))
	}
	for i := range tokens {
		tokens[i].tag, tokens[i].label = read[i].Tag, read[i].Label
	}
	return tokens, nil
}
