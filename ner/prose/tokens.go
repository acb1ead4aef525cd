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

// locate splits the spans of a piece. first has the first token of each span.
func locate(text string, piece []span) (tokens []token, first []int) {
	first = make([]int, len(piece))
	for i, s := range piece {
		first[i] = len(tokens)
		at := 0
		for _, word := range split(s.clean) {
			tokens = append(tokens, token{
				text:  word,
				start: s.origin(text, at),
				end:   s.origin(text, at+len(word)),
			})
			at += len(word)
		}
	}
	return tokens, first
}

// tokens has prose read a piece of text. The tokens come without the sentinel.
//
// prose gives tokens without offsets and leaves some characters out ("John's."
// becomes "John"), so it is asked twice: what the tokens of each span are,
// which says where they are, and then which parts of speech they are beside
// each other.
func (r *Recognizer) tokens(text string, piece []span) ([]token, error) {
	tokens, first := locate(text, piece)
	var words strings.Builder
	for _, s := range piece {
		words.WriteString(s.clean)
		words.WriteByte(' ')
	}
	words.WriteString(sentinel)
	tokens = append(tokens, token{text: sentinel})
	doc, err := prose.NewDocument(words.String(), prose.UsingModel(r.tagger),
		prose.WithSegmentation(false), prose.WithExtraction(false))
	if err != nil {
		return nil, err
	}
	tagged := doc.Tokens()
	if len(tagged) != len(tokens) {
		return nil, fmt.Errorf("prose finds %d tokens in a text and %d in its words", len(tagged), len(tokens))
	}
	for i := range tokens {
		tokens[i].tag = tagged[i].Tag
	}
	r.classify(tokens)
	tokens = tokens[:len(tokens)-1]
	share(tokens, piece, first)
	return tokens, nil
}

// share gives the tokens of spans that are written the same the labels of the
// last such span. In prose they are the same tokens.
func share(tokens []token, piece []span, first []int) {
	last := map[string]int{}
	for i, s := range piece {
		last[s.clean] = first[i]
	}
	for i, s := range piece {
		end := len(tokens)
		if i+1 < len(piece) {
			end = first[i+1]
		}
		for k := first[i]; k < end; k++ {
			tokens[k].label = tokens[last[s.clean]+k-first[i]].label
		}
	}
}
