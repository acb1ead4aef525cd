package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// field is one key of a JSON object with its value, both as they were written.
type field struct {
	name  string // what key says
	key   []byte // with its quotes and escapes
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// readFields takes an object apart, in the order of its keys. A key that is
// there twice keeps its first place and gets its last value, as in Python.
func readFields(raw []byte) ([]field, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNotObject
	}
	var fields []field
	at := map[string]int{}
	for d.More() {
		before := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // a key is one in valid JSON
		f := field{name: name, key: bytes.TrimLeft(raw[before:d.InputOffset()], ", \t\r\n")}
		if err := d.Decode(&f.value); err != nil {
			return nil, err
		}
		if i, again := at[name]; again {
			fields[i].value = f.value
			continue
		}
		at[name] = len(fields)
		fields = append(fields, f)
	}
	return fields, nil
}

// fieldNamed is the value of a key.
func fieldNamed(fields []field, name string) (json.RawMessage, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return nil, false
	}
	return fields[i].value, true
}

// joinFields writes fields and then the keys of own, an object of ours, as one
// line. The text and what own has again are left out of fields. Values lose the
// blanks between their parts, numbers and strings stay as they were written.
func joinFields(fields []field, own []byte, ownNames ...string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range fields {
		if f.name == "text" || slices.Contains(ownNames, f.name) {
			continue
		}
		b.Write(f.key)
		b.WriteByte(':')
		if err := json.Compact(&b, f.value); err != nil {
			return nil, err
		}
		b.WriteByte(',')
	}
	b.Write(bytes.TrimPrefix(own, []byte("{"))) // own is never empty
	return b.Bytes(), nil
}
