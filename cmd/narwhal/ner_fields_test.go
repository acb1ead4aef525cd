package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// decoded returns the fields of an object, with numbers as they are written.
func decoded(t *testing.T, object []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		t.Fatalf("%q: %v", object, err)
	}
	return fields
}

// Whatever a line has, joinFields writes an object as one line of JSON with the same
// fields.
func FuzzFields(f *testing.F) {
	for _, line := range []string{
		`{"id":7,"text":"Ada","meta":{}}`, `{ "a" : 1.10 , "b":[ {"c":null} ],"a":-0}`, `{}`, `[1]`, `null`, `{"a":1}x`, `{"a":1`,
		"{\"a\"\t:\r\"\\u0000\\ud800\" ,\t\"\\u0061\":2}", `{"ents":1,"text":2,"<>&":"\u2028"}`, `"text"`, ``, `{"a":{"a":{"a":[]}}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		fields, fault := textjson.Read(line)
		if fault != nil {
			return
		}
		out, err := joinFields(fields, []byte(`{"ents":[]}`), "ents")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out) - 1; bytes.IndexByte(out, '\n') != n || bytes.IndexByte(out, '\r') >= 0 {
			t.Errorf("%q is not one line", out)
		}
		want := decoded(t, line)
		delete(want, "text")
		want["ents"] = []any{}
		if diff := cmp.Diff(want, decoded(t, out)); diff != "" {
			t.Errorf("%q became %q:\n%s", line, out, diff)
		}
	})
}
