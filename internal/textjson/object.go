package textjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"unicode/utf8"
)

// CheckUTF8 returns nil if b is UTF-8, or else an error that names the first byte that is
// not.
func CheckUTF8(b []byte) error {
	if utf8.Valid(b) {
		return nil
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Errorf("not UTF-8: byte 0x%02x at %d", b[i], i)
		}
		i += size
	}
}

// Object is a JSON object: its fields in the order in which they were written. A key that
// is there twice keeps its first place and gets its last value, as in Python.
type Object []Field

// Field is a key with its value. Key and Value are as they were written. They share the
// memory of the bytes that were read.
type Field struct {
	Name  string // the key as a Go string
	Key   []byte // the key as JSON, with its quotes and escapes
	Value []byte // the value as JSON, without the blanks around it
}

// Read splits a JSON object into its fields. It fails with NotJSON or NotObject.
func Read(b []byte) (Object, *Fault) {
	if !Valid(b) {
		return nil, &Fault{Kind: NotJSON, Err: json.Unmarshal(b, new(any))}
	}
	return fieldsOf(b)
}

// ReadPython does what Read does, but also accepts the numbers NaN, Infinity and -Infinity,
// as Python's json does. In the Object they are replaced by 0 and blanks.
func ReadPython(b []byte) (Object, *Fault) {
	o, fault := Read(b)
	if fault != nil && fault.Kind == NotJSON {
		if plain := plainNumbers(b); plain != nil {
			return Read(plain)
		}
	}
	return o, fault
}

// Get returns the value of a key, or nil if the object does not have the key.
func (o Object) Get(name string) []byte {
	for _, f := range o {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Elements returns the values of a JSON array in order. array must be valid JSON, as the
// value of a Field is, or empty. A value that is not an array has no elements.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(array) == 0 || array[0] != '[' {
			return
		}
		for i := next(array, 1); array[i] != ']'; i = next(array, i) {
			end := skip(array, i)
			if !yield(array[i:end]) {
				return
			}
			i = end
		}
	}
}

// TypeOf returns the name of a JSON value's type with its article, such as "an object".
// value must be valid JSON without blanks before it.
func TypeOf(value []byte) string {
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

// fieldsOf does what Read does, for bytes that are valid JSON. It fails with NotObject.
func fieldsOf(b []byte) (Object, *Fault) {
	i := next(b, 0)
	if b[i] != '{' {
		return nil, &Fault{Kind: NotObject, Type: TypeOf(b[i:])}
	}
	var o Object
	at := map[string]int{}
	for i = next(b, i+1); b[i] != '}'; i = next(b, i) {
		end := skip(b, i)
		f := Field{Key: b[i:end]}
		f.Name = unquote(f.Key)
		i = next(b, end)
		end = skip(b, i)
		f.Value = b[i:end]
		i = end
		if j, again := at[f.Name]; again {
			o[j].Value = f.Value
			continue
		}
		at[f.Name] = len(o)
		o = append(o, f)
	}
	return o, nil
}

// next returns the index of the next value, key or closing bracket at or after i. It skips
// blanks, commas and colons. b must be valid JSON.
func next(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' || b[i] == ',' || b[i] == ':' {
		i++
	}
	return i
}

// skip returns the index after the value that begins at i. b must be valid JSON.
func skip(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch b[i] {
			case '"':
				i = skipString(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	if n := bytes.IndexAny(b[i:], ",]} \t\r\n"); n >= 0 {
		return i + n
	}
	return len(b)
}

// skipString returns the index after the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// plainNumbers returns a copy of b in which NaN, Infinity and -Infinity are replaced by 0
// and blanks, so that every other byte keeps its place. It returns nil if b has none of
// them. If b is not valid JSON even with these numbers, the copy is not valid JSON either.
func plainNumbers(b []byte) []byte {
	var plain []byte
	before := byte(' ') // the last byte that is not a blank; ' ' at the beginning
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch c {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case 'N', 'I', '-':
			n := len(pythonNumber(b[i:]))
			if n == 0 || before != ':' && before != ',' && before != '[' && before != ' ' {
				break
			}
			if plain == nil {
				plain = bytes.Clone(b)
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

// pythonNumber returns the NaN, Infinity or -Infinity at the beginning of b, or "".
func pythonNumber(b []byte) string {
	for _, n := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(n)) {
			return n
		}
	}
	return ""
}
