package msgpack

import (
	"strings"
	"testing"
)

func TestReads(t *testing.T) {
	r := NewReader([]byte("\x82\xa1k\x92\x07\xff\xc4\x01b\xc0"))
	if n := r.Map(); n != 2 {
		t.Fatalf("Map = %d, want 2", n)
	}
	if !r.IsString() || r.Str() != "k" || r.Array() != 2 || r.Uint() != 7 || r.Int() != -1 {
		t.Errorf("the first pair: %v, want \"k\" and [7, -1]", r.Err())
	}
	if r.IsString() || string(r.Text()) != "b" || r.Len() != 1 || !r.Nil() || r.End() != nil {
		t.Errorf("the second pair: %v, want a binary \"b\" and nil", r.Err())
	}
}

func TestSkip(t *testing.T) {
	r := NewReader([]byte("\x92\x81\xa1k\xc4\x02bb\x91\xc0\xc3"))
	if r.Skip(); r.Len() != 1 || !r.Bool() || r.End() != nil {
		t.Errorf("after Skip: %d bytes, %v, want true and no error", r.Len(), r.Err())
	}
}

// TestFirstErrorStays checks that reads after an error return zero and keep the error. Some
// inputs have counts that are too large for the rest of the input.
func TestFirstErrorStays(t *testing.T) {
	for _, tt := range []struct {
		input string
		read  func(*Reader)
		want  string
	}{
		{"\xdd\xff\xff\xff\xff\x01", func(r *Reader) { r.Array() }, "4294967295 entries announced, 1 bytes left"},
		{"\x82\x01\x02\x03", func(r *Reader) { r.Map() }, "2 entries announced, 3 bytes left"},
		{"\xa1\xff", func(r *Reader) { r.Str() }, "not valid UTF-8"},
		{"\xa3ab", func(r *Reader) { r.Text() }, "msgp"},
		{"\xc0", func(r *Reader) { r.Bytes() }, "msgp"},
		{"\xff", func(r *Reader) { r.Uint() }, "msgp"},
		{"", func(r *Reader) { r.Skip() }, "msgp"},
		{"\xc0", func(r *Reader) {}, "1 bytes after the end"},
	} {
		r := NewReader([]byte(tt.input))
		tt.read(r)
		first := r.End()
		if first == nil || !strings.Contains(first.Error(), tt.want) {
			t.Errorf("%q: error %v, want one with %q", tt.input, first, tt.want)
		}
		r.Fail("a second error")
		if r.Map() != 0 || r.Array() != 0 || r.Str() != "" || r.Bytes() != nil || r.Int() != 0 || r.Uint() != 0 || r.Bool() || r.Nil() || r.Err() != first {
			t.Errorf("%q: a read after the error gives something, or another error: %v", tt.input, r.Err())
		}
	}
}
