package prose

import (
	"fmt"
	"strings"

	"github.com/jdkato/prose/v2"
)

// sentinel is appended to every piece, because prose loses an entity at the end of a text
// ("I live in Paris").
const sentinel = "."

// A token is one of prose's tokens: a part of a span, and its place in the text.
type token struct {
	text       string // the token's part of span.clean
	tag, label string // part of speech; B-PERSON, I-PERSON, …, O
	start, end int    // byte offsets in the text
}

// locate returns the tokens of the spans of a piece. first[i] is the index of the first
// token of span i.
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

// tokens returns the tokens of a piece of text with their labels, without the sentinel.
//
// prose returns tokens without offsets and loses some characters ("John's." becomes
// "John"). So prose is called twice: for each span, to find the offsets of its tokens, and
// for the whole piece, to find the parts of speech.
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

// share copies labels between spans with the same clean text: all of them get the labels
// of the last one. In prose the tokens of such spans are the same tokens.
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
