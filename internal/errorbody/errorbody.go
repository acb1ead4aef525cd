// Package errorbody is the one form of an error in JSON: in the answers of workers,
// of the admin address and of the control socket, and in the lines of narwhal ner
// --jsonl.
//
//	{"error": sentence, "error_type": word, "hint": what to do, "request_id": id}
package errorbody

import (
	"bytes"
	"encoding/json"
)

// Body is an error. What is empty of Hint and RequestID is left out.
type Body struct {
	Message   string `json:"error"`      // what came, and what is wanted
	Type      string `json:"error_type"` // for programs
	Hint      string `json:"hint,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// Append appends the Body as one line of JSON without its end. Bytes that are not
// UTF-8 become U+FFFD.
func (e Body) Append(b []byte) []byte {
	w := bytes.NewBuffer(b)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // a client's < is shown as it came
	_ = enc.Encode(e)        // strings always encode
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}
