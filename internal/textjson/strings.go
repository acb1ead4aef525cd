package textjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A text can have a megabyte, and what is done to it before the recognizer begins cannot be
// interrupted. So the strings of JSON are read here: in 1 ns a byte and step, where
// encoding/json needs 7.

// Valid reports what json.Valid reports. It checks the strings itself, and calls json.Valid
// for what is around them.
func Valid(b []byte) bool {
	around := make([]byte, 0, 256)
	for {
		at := bytes.IndexByte(b, '"')
		if at < 0 {
			return json.Valid(append(around, b...))
		}
		around = append(append(around, b[:at]...), `""`...)
		size := stringSize(b[at:])
		if size == 0 {
			return false
		}
		b = b[at+size:]
	}
}

// stringSize returns the size of the JSON string with which b begins, or 0 if the string is
// not valid. b[0] must be the quote.
func stringSize(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return 0
		case c == '\\':
			if i++; i == len(b) || strings.IndexByte(`"\/bfnrtu`, b[i]) < 0 {
				return 0
			}
			if b[i] != 'u' {
				continue
			}
			for range 4 {
				if i++; i == len(b) || !isHex(b[i]) {
					return 0
				}
			}
		}
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

// unquote returns the Go string for a valid JSON string. As in encoding/json, U+FFFD stands
// for half a surrogate pair, and for a byte that is not UTF-8.
func unquote(value []byte) string {
	inner := value[1 : len(value)-1]
	if !utf8.Valid(inner) {
		var s string
		_ = json.Unmarshal(value, &s) // cannot fail: value is a valid string
		return s
	}
	at := bytes.IndexByte(inner, '\\')
	if at < 0 {
		return string(inner)
	}
	var s strings.Builder
	s.Grow(len(inner))
	for at >= 0 {
		s.Write(inner[:at])
		r, size := unescape(inner[at:])
		s.WriteRune(r)
		inner = inner[at+size:]
		at = bytes.IndexByte(inner, '\\')
	}
	s.Write(inner)
	return s.String()
}

// unescape returns the character of the escape with which b begins, and the escape's size.
// Both halves of a surrogate pair together are one escape.
func unescape(b []byte) (r rune, size int) {
	switch c := b[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := escaped(b)
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if whole := utf16.DecodeRune(r, escaped(b[6:])); whole != utf8.RuneError {
			return whole, 12
		}
		return utf8.RuneError, 6
	default: // a quote, a backslash or a slash
		return rune(c), 2
	}
}

// escaped returns the code unit of the escape \uXXXX at the beginning of s, or 0 if there
// is none.
func escaped(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	r := rune(0)
	for _, c := range s[2:6] {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// halfSurrogate returns the first escape of half a surrogate pair in a valid JSON string,
// such as \ud800, or "" if there is none.
func halfSurrogate(value []byte) string {
	for at := bytes.IndexByte(value, '\\'); at >= 0; at = bytes.IndexByte(value, '\\') {
		value = value[at:]
		r, size := unescape(value)
		if r == utf8.RuneError && utf16.IsSurrogate(escaped(value)) {
			return string(value[:6])
		}
		value = value[size:]
	}
	return ""
}
