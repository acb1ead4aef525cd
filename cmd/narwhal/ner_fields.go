package main

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// joinFields returns one line with a JSON object: first fields, then the keys of the
// JSON object own. It leaves "text" and the fields in ownNames out. It removes spaces
// between the parts of a value, and keeps numbers and strings as they were written.
func joinFields(fields textjson.Object, own []byte, ownNames ...string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range fields {
		if f.Name == "text" || slices.Contains(ownNames, f.Name) {
			continue
		}
		b.Write(f.Key)
		b.WriteByte(':')
		if err := json.Compact(&b, f.Value); err != nil {
			return nil, err
		}
		b.WriteByte(',')
	}
	b.Write(bytes.TrimPrefix(own, []byte("{"))) // own is never empty
	b.WriteByte('\n')
	return b.Bytes(), nil
}
