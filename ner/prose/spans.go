package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// prose never gets a run without white space that is longer than maxSpan bytes, or that has
// more than maxMarks of the marks that prose splits off one by one. Such a run contains no
// name: it is base64, a line of dots or minified JSON. prose's time grows with the square of
// its length.
const (
	maxSpan  = 256
	maxMarks = 64
	marks    = "$(\"[,)]!;.?:'"
)

// A span is a run of text without white space, with white space or an end of the text on
// both sides. prose's tokenizer looks at one span at a time, so a span's tokens depend only
// on the span.
type span struct {
	start, end int    // byte offsets in the text
	clean      string // the text for prose, mostly text[start:end]; "": prose does not get it
}

// nextSpan returns the first span of text at or after the byte from. If there is none, it
// returns an empty span at the end of the text.
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

// clean returns the text that prose gets for the span s. It replaces curly quotes by
// straight ones, as prose itself would. If the span has an apostrophe, it also replaces
// each character that has another length in lower case by X. The reason is that prose looks
// for "n't" in the lower case span, and cuts the span itself at this offset. With "ȺȺȺ's",
// whose letters are a byte longer in lower case, it would panic.
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

// oddCase replaces a character that has another length in lower case.
const oddCase = "X"

// replacement returns the length n of the first character of s, or of the one HTML entity
// that prose knows. as is the text by which clean replaces it; "": it is not replaced.
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
	case utf8.RuneLen(unicode.ToLower(r)) != n: // also true for a byte that is not UTF-8
		return n, oddCase
	}
	return n, ""
}

// origin returns the byte offset in text for a byte offset in s.clean.
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
			done++ // every replacement has one byte
		}
		i += n
	}
	return s.start + i
}
