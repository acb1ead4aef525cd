package prose

import "strings"

// maxPiece is how many bytes prose is shown at once. A text up to this length
// gets prose's own answer; a longer one is cut, because prose cannot be
// interrupted and takes time for every byte.
const maxPiece = 4096

// nextPiece returns the spans of the piece of text that begins at the byte
// from, and where the next piece begins. A piece ends where a paragraph does,
// or else a sentence, in its second half; or else between two words. A span
// that prose is not shown ends a piece and belongs to none.
func nextPiece(text string, from int) (piece []span, next int) {
	size, paragraph, sentence := 0, 0, 0 // paragraph and sentence: how many spans up to its end
	for {
		s := nextSpan(text, from)
		if s.clean == "" {
			return piece, s.end
		}
		if size > maxPiece/2 {
			last := piece[len(piece)-1]
			if strings.Count(text[last.end:s.start], "\n") > 1 {
				paragraph = len(piece)
			}
			if endsSentence(last.clean) {
				sentence = len(piece)
			}
		}
		size += len(s.clean) + 1
		if size > maxPiece {
			break
		}
		piece = append(piece, s)
		from = s.end
	}
	switch {
	case paragraph > 0:
		piece = piece[:paragraph]
	case sentence > 0:
		piece = piece[:sentence]
	}
	return piece, piece[len(piece)-1].end
}

// endsSentence reports whether a span looks like the last of a sentence.
func endsSentence(span string) bool {
	span = strings.TrimRight(span, `"')]`)
	return strings.HasSuffix(span, ".") || strings.HasSuffix(span, "!") || strings.HasSuffix(span, "?")
}
