package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/narwhal-server/narwhal/ner"
)

// line is one line of the input on its way.
type line struct {
	where string // for errors: "line 3", "a.jsonl, line 3"
	raw   []byte
	long  bool // longer than maxLine, and cut

	done chan struct{} // closed when out is there
	out  []byte
	bad  bool
	err  error // ends the run
}

// answer fills out.
func (l *line) answer(ctx context.Context, rec ner.Recognizer) {
	var result any
	names := []string{"ents"}
	fields, text, fail := l.text()
	if fail == nil {
		found, err := rec.Entities(ctx, text)
		switch {
		case err == nil:
			result = struct {
				Ents []ent `json:"ents"`
			}{entsOf(found)}
		case ctx.Err() != nil:
			l.err = err
			return
		default:
			fail = &lineError{Kind: "invalid_request", Message: err.Error(), Hint: "send the text in parts"}
		}
	}
	if fail != nil {
		fail.Message = l.where + ": " + fail.Message
		result, l.bad = fail, true
		names = []string{"error", "error_type", "hint"}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if l.err = e.Encode(result); l.err == nil {
		l.out, l.err = joinFields(fields, b.Bytes(), names...)
	}
}

// lineError is the server's body for errors.
type lineError struct {
	Message string `json:"error"`
	Kind    string `json:"error_type"`
	Hint    string `json:"hint"`
}

const lineHint = `each line is an object with a text: {"text": "Tim Cook visited Paris"}`

// text takes the text out of the line, by the server's rules, and the other
// fields. If the line is no object there are none.
func (l *line) text() ([]field, string, *lineError) {
	if l.long {
		return nil, "", &lineError{"the line is longer than any text may be", "invalid_request", "send the text in parts"}
	}
	if err := checkUTF8(l.raw); err != nil {
		return nil, "", &lineError{"the line is " + err.Error(), "invalid_json", "JSON is UTF-8"}
	}
	if len(bytes.TrimSpace(l.raw)) == 0 {
		return nil, "", &lineError{"the line is empty", "invalid_json", lineHint}
	}
	fields, err := readFields(l.raw)
	if errors.Is(err, errNotObject) {
		return nil, "", &lineError{err.Error(), "invalid_json", lineHint}
	}
	if err != nil {
		return nil, "", &lineError{"not JSON: " + err.Error(), "invalid_json", lineHint}
	}
	raw, ok := fieldNamed(fields, "text")
	if !ok {
		return fields, "", &lineError{"the object has no text", "invalid_request", lineHint}
	}
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return fields, "", &lineError{"text is not a string", "invalid_request", lineHint}
	}
	if halfSurrogate(raw) {
		return fields, "", &lineError{"text has half of a surrogate pair, which is no character", "invalid_request",
			`escape a character beyond U+FFFF with both halves (\ud83d\ude00), or send it as it is in UTF-8`}
	}
	return fields, text, nil
}

// halfSurrogate reports whether a JSON string escapes one half of a surrogate
// pair without the other.
func halfSurrogate(raw []byte) bool {
	unit := func(i int) uint16 { // that of an escape \uXXXX at i, or 0
		var u uint16
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0
		}
		for _, c := range bytes.ToLower(raw[i+2 : i+6]) {
			if c >= 'a' {
				c -= 'a' - '0' - 10
			}
			u = u<<4 | uint16(c-'0')
		}
		return u
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case u>>10 == 0xd800>>10 && unit(i+6)>>10 == 0xdc00>>10:
			i += 11
		case u>>11 == 0xd800>>11:
			return true
		default:
			i++ // the escaped character, which may be a backslash
		}
	}
	return false
}
