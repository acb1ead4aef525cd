package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// appendLower appends s in lower case, as Python's str.lower returns it. That differs
// from strings.ToLower for two runes: İ becomes two runes, and Σ at the end of a word
// becomes ς.
func appendLower(dst []byte, s string) []byte {
	for i, r := range s {
		f := runeForms.of(r)
		switch {
		case f&oddLower == 0:
			dst = utf8.AppendRune(dst, r+f.toLower())
		case r == 'İ':
			dst = append(dst, "i\u0307"...)
		case isFinalSigma(s[:i], s[i+len("Σ"):]):
			dst = append(dst, "ς"...)
		default:
			dst = append(dst, "σ"...)
		}
	}
	return dst
}

// isFinalSigma reports whether a Σ between before and after satisfies the condition
// Final_Sigma of the Unicode standard (3.13, table 3-17): a cased letter is before the Σ
// and none after it. Case-ignorable runes between them do not count.
func isFinalSigma(before, after string) bool {
	for {
		r, size := utf8.DecodeLastRuneInString(before)
		if size == 0 {
			return false
		}
		f := runeForms.of(r)
		if f&caseIgnored == 0 {
			if f&cased == 0 {
				return false
			}
			break
		}
		before = before[:len(before)-size]
	}
	for _, r := range after {
		if f := runeForms.of(r); f&caseIgnored == 0 {
			return f&cased == 0
		}
	}
	return true
}

func isCaseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', 0x00b7, 0x0387, 0x055f, 0x05f4, '‘', '’', 0x2024, 0x2027,
		0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// LowerID returns the id of a token's text in lower case: spaCy's attribute LOWER.
func LowerID(s string) uint64 {
	var buf [64]byte
	return stringID(appendLower(buf[:0], s))
}
