package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A run without white space that is longer than maxSpan bytes, or has more than
// maxMarks of the marks that prose splits off one by one, holds no name: a blob
// of base64, a line of dots, minified JSON. prose takes time that grows with the
// square of such a run, so it is never shown one.
const (
	maxSpan  = 256
	maxMarks = 64
	marks    = "$(\"[,)]!;.?:'"
)

// A span is a maximal run of text without white space. prose's tokenizer looks
// at one span at a time, so what it says of a span depends on nothing else.
type span struct {
	start, end int    // in the text
	clean      string // what prose is shown; text[start:end] in most cases, "" for nothing
}

// nextSpan finds the first span of text at or after the byte from. The span is
// empty, at the end of the text, if there is none.
func nextSpan(text string, from int) span {
	s := span{start: len(text), end: len(text)}
	if i := strings.IndexFunc(text[from:], notSpace); i >= 0 {
		s.start = from + i
		if n := strings.IndexFunc(text[s.start:], unicode.IsSpace); n >= 0 {
			s.end = s.start + n
		}
	}
	if s.end-s.start > maxSpan {
		return s
	}
	n := 0
	for i := s.start; i < s.end; i++ {
		if strings.IndexByte(marks, text[i]) >= 0 {
			n++
		}
	}
	if n <= maxMarks {
		s.clean = clean(text[s.start:s.end])
	}
	return s
}

func notSpace(r rune) bool { return !unicode.IsSpace(r) }

// clean returns what prose is shown in place of a span: the same with straight
// quotes, as prose itself would make them, and, in a span with an apostrophe,
// with an X for each character that has another length in lower case. prose
// looks for "n't" in the lower-cased span and cuts the span itself there: with
// "ȺȺȺ's", where a lower-case letter is a byte longer, it runs over the end.
func clean(s string) string {
	quote, odd := strings.Contains(s, "'"), false
	for i := 0; i < len(s); {
		n, as := replacement(s[i:])
		quote = quote || as == "'"
		odd = odd || as != ""
		i += n
	}
	if !odd {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n, as := replacement(s[i:])
		if as == "" || as == oddCase && !quote {
			as = s[i : i+n]
		}
		b.WriteString(as)
		i += n
	}
	return b.String()
}

// oddCase stands for a character that changes its length in lower case.
const oddCase = "X"

// replacement reports the length of what s begins with, a character or the one
// HTML entity prose knows, and what clean puts in its place: "" for the same.
func replacement(s string) (n int, as string) {
	const rsquo = "&rsquo;"
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == '“' || r == '”':
		return n, `"`
	case r == '‘' || r == '’':
		return n, "'"
	case strings.HasPrefix(s, rsquo):
		return len(rsquo), "'"
	case utf8.RuneLen(unicode.ToLower(r)) != n: // also a byte that is no UTF-8
		return n, oddCase
	}
	return n, ""
}

// origin maps a byte offset in s.clean back to one in the text.
func (s span) origin(text string, offset int) int {
	orig := text[s.start:s.end]
	if s.clean == orig {
		return s.start + offset
	}
	i := 0
	for done := 0; done < offset; {
		n, _ := replacement(orig[i:])
		if strings.HasPrefix(s.clean[done:], orig[i:i+n]) {
			done += n // the same in both
		} else {
			done++ // every replacement is one byte
		}
		i += n
	}
	return s.start + i
}
