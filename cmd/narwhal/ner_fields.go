package main

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// joinFields writes fields and then the keys of own, an object of ours, as one
// line. The text and what own has again are left out of fields. Values lose the
// blanks between their parts; numbers and strings stay as they were written.
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
