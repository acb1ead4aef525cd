package matcher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// object is a JSON object in the order of the file. Keys of patterns differ only in case in
// some files, and their order can matter, so a Go map does not fit.
type object []member

type member struct {
	key   string
	value any // object, []any, string, json.Number, bool or nil
}

// get returns the value of a key, and whether there is one.
func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// maxDepth is how deep arrays and objects may be nested. No pattern needs half of it.
const maxDepth = 20

// parseJSON decodes one JSON value. It refuses an object that has a key twice.
func parseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the JSON value")
	}
	return v, nil
}

// token returns the next token of a value, which does not end before it.
func token(d *json.Decoder) (json.Token, error) {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	t, err := token(d)
	delim, ok := t.(json.Delim)
	if err != nil || !ok {
		return t, err
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("more than %d levels of arrays and objects", maxDepth)
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = token(d)
		return list, err
	}
	o := object{}
	seen := map[string]bool{}
	for d.More() {
		k, err := token(d)
		if err != nil {
			return nil, err
		}
		key := k.(string) // the decoder accepts no other key
		if seen[key] {
			return nil, fmt.Errorf("the key %q is there twice", key)
		}
		seen[key] = true
		v, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{key, v})
	}
	_, err = token(d)
	return o, err
}

// show returns a JSON value for an error, at most some 60 bytes of it.
func show(v any) string {
	text := string(appendJSON(nil, v))
	if len(text) > 60 {
		return fmt.Sprintf("%.57s…", text)
	}
	return text
}

// appendJSON appends a value as JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, m.key), ':')
			b = appendJSON(b, m.value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, x)
		}
		return append(b, ']')
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return append(b, '?')
	}
	return append(b, bytes.TrimSpace(buf.Bytes())...)
}
