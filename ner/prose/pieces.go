package prose

import "strings"

// maxPiece is the largest number of bytes that prose gets at once. A text of this length
// or less gets prose's own answer. A longer text is read in pieces, because prose cannot be
// interrupted and its time grows with the length.
const maxPiece = 4096

// nextPiece returns the spans of the piece of text that begins at the byte from, and the
// byte at which the next piece begins. A piece ends at the end of a paragraph in its second
// half. If there is none, it ends at the end of a sentence there, or else between two
// words. A span with an empty clean ends a piece and belongs to no piece.
func nextPiece(text string, from int) (piece []span, next int) {
	// size is in bytes. paragraph and sentence are the numbers of spans up to the last end
	// of a paragraph and of a sentence.
	size, paragraph, sentence := 0, 0, 0
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

// endsSentence reports whether a span looks like the last one of a sentence.
func endsSentence(span string) bool {
	span = strings.TrimRight(span, `"')]`)
	return strings.HasSuffix(span, ".") || strings.HasSuffix(span, "!") || strings.HasSuffix(span, "?")
}
