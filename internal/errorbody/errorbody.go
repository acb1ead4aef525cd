// Package errorbody has the one form in which narwhal writes an error as JSON. Workers, the
// admin address and the control socket answer with it, and narwhal ner --jsonl prints it.
//
//	{"error": sentence, "error_type": word, "hint": what to do, "request_id": id}
package errorbody

import (
	"bytes"
	"encoding/json"
	"strings"
)

// longest is the number of bytes that a message may have. A message that is longer quotes
// what a client has sent, which may be a whole body.
const longest = 1000

// Body is an error. An empty Hint or RequestID is left out of the JSON.
type Body struct {
	Message   string `json:"error"`      // a sentence: what was wrong, and what is wanted
	Type      string `json:"error_type"` // a word by which programs tell errors apart
	Hint      string `json:"hint,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// Append appends the Body to b as one line of JSON, without a line feed at its end. Bytes
// that are not UTF-8 become U+FFFD. A long message loses its middle.
func (e Body) Append(b []byte) []byte {
	e.Message = shorten(e.Message)
	w := bytes.NewBuffer(b)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // a < of the client stays readable
	_ = enc.Encode(e)        // cannot fail: all fields are strings
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}

// shorten returns s, without its middle if s is longer than a message may be: the beginning
// says what is wrong, and the end what is wanted.
func shorten(s string) string {
	if len(s) <= longest {
		return s
	}
	head, tail := s[:longest/2], s[len(s)-longest/2:]
	return strings.ToValidUTF8(head, "") + " … " + strings.ToValidUTF8(tail, "")
}
