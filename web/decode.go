package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode returns the text of a request body, {"text": "…"}. Other keys are
// ignored, and of several "text" the last one counts, as in Python.
//
// The values of other keys may be what Python's json takes: NaN, Infinity and
// -Infinity are numbers. It is strict where Python is not: it refuses half a
// surrogate pair ("\ud800"), of which Python makes a string that is no
// text and spaCy then fails on, and encoding/json silently another text.
func decode(body []byte) (string, *failure) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		return "", notUTF8(body)
	}
	body = bytes.Trim(body, " \t\r\n")
	if len(body) == 0 {
		return "", errEmpty
	}
	var fields map[string]json.RawMessage // not a struct, which "Text" would match too
	err := json.Unmarshal(body, &fields)
	if isSyntax(err) {
		if plain := plainNumbers(body); plain != nil {
			body = plain
			err = json.Unmarshal(body, &fields)
		}
	}
	switch {
	case isSyntax(err):
		return "", notJSON(err)
	case body[0] != '{':
		return "", &failure{422, "invalid_request", "the body is " + kind(body) + `, want an object with a "text"`, hintBody}
	case err != nil:
		return "", notJSON(err)
	}
	raw, ok := fields["text"]
	switch {
	case !ok:
		return "", missing(fields)
	case raw[0] != '"':
		return "", &failure{422, "invalid_request", "`text` is " + kind(raw) + ", want a string", hintBody}
	}
	if half := halfSurrogate(raw); half != "" {
		return "", &failure{422, "invalid_request", "`text` has " + half + ", half of a surrogate pair, which is no character",
			"escape a character beyond U+FFFF with both halves (\\ud83d\\ude00), or send it as it is in UTF-8"}
	}
	var text string
	if err = json.Unmarshal(raw, &text); err != nil {
		return "", notJSON(err)
	}
	return text, nil
}

func isSyntax(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax)
}

// plainNumbers returns a copy of the body in which NaN, Infinity and -Infinity
// are 0 and blanks, so that every byte keeps its place. It returns nil if there
// are none. It may spoil what is no JSON, but makes none of it.
func plainNumbers(body []byte) []byte {
	var plain []byte
	before := byte(' ') // the last byte that is no blank
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch c {
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case 'N', 'I', '-':
			n := len(pythonNumber(body[i:]))
			if n == 0 || before != ':' && before != ',' && before != '[' && before != ' ' {
				break
			}
			if plain == nil {
				plain = bytes.Clone(body)
			}
			copy(plain[i:], "0         "[:n])
			i += n - 1
			c = '0'
		case ' ', '\t', '\r', '\n':
			continue
		}
		before = c
	}
	return plain
}

// pythonNumber returns the number at the beginning of b that Python's json takes
// and that is no JSON.
func pythonNumber(b []byte) string {
	for _, n := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(n)) {
			return n
		}
	}
	return ""
}

// kind names what a JSON value is.
func kind(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

func notJSON(err error) *failure {
	message := "the body is not JSON: " + err.Error()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		message += fmt.Sprintf(" (byte %d)", syntax.Offset)
	}
	return &failure{400, "invalid_json", message, hintBody}
}

func notUTF8(body []byte) *failure {
	for i := 0; ; {
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n <= 1 {
			return &failure{400, "invalid_json", fmt.Sprintf("the body is not UTF-8: byte 0x%02x at %d", body[i], i),
				"encode the JSON as UTF-8"}
		}
		i += n
	}
}

// missing says that "text" is not there, and what may have been meant.
func missing(fields map[string]json.RawMessage) *failure {
	f := &failure{422, "invalid_request", "the body has no `text`", hintBody}
	meant := ""
	for key, value := range fields {
		if value[0] == '"' && near(key) && (meant == "" || key < meant) {
			meant = key
		}
	}
	if meant != "" {
		f.message += ", but " + strconv.Quote(meant)
		f.hint = "did you mean `text`? " + hintBody
	}
	return f
}

// near reports whether a key may have been meant to be "text": by spelling, or
// because another server calls it so.
func near(key string) bool {
	if len(key) > 32 {
		return false
	}
	key = strings.ToLower(strings.Trim(key, " _-\t"))
	switch key {
	case "text", "txt", "texts", "test", "tekst", "texte", "input", "inputs", "document", "doc",
		"content", "body", "sentence", "query", "message", "data", "prompt", "string":
		return true
	}
	return false
}

// halfSurrogate returns the first escape of half a surrogate pair in a valid
// JSON string, or "".
func halfSurrogate(raw []byte) string {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++ // what is escaped
		if raw[i] != 'u' {
			continue
		}
		r := escaped(raw[i-1:])
		switch {
		case !utf16.IsSurrogate(r):
			i += 4
		case utf16.DecodeRune(r, escaped(raw[i+5:])) != utf8.RuneError:
			i += 10
		default:
			return string(raw[i-1 : i+5])
		}
	}
	return ""
}

// escaped returns the code unit of the \uXXXX that s begins with, or 0.
func escaped(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(n)
}
