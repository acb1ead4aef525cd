package textjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"unicode/utf8"
)

// CheckUTF8 returns an error that names the first byte that is not UTF-8, or nil.
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

// Object is a JSON object: its fields in the order of their keys. A key that is
// there twice has its first place and its last value, as in Python.
type Object []Field

// Field is a key with its value. Key and Value are as they were written, and share
// the memory of what was read.
type Field struct {
	Name  string // what Key says
	Key   []byte // with its quotes and escapes
	Value []byte // without the blanks around it
}

// Read takes a JSON object apart. It fails with NotJSON or NotObject.
func Read(b []byte) (Object, *Fault) {
	if !json.Valid(b) {
		return nil, &Fault{Kind: NotJSON, Err: json.Unmarshal(b, new(any))}
	}
	return fieldsOf(b)
}

// ReadPython is Read that also takes NaN, Infinity and -Infinity for numbers, as
// Python's json does. In the values of the Object they are other numbers.
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

// Elements returns the values of an array in order. The array must be valid JSON,
// as the value of a Field is. What is no array has no elements.
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

// TypeOf names the type of a JSON value: "an object", "a number".
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

// fieldsOf takes apart what is valid JSON.
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

// next returns where the next value, key or closing bracket begins at or after i
// in valid JSON: behind blanks, commas and colons.
func next(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' || b[i] == ',' || b[i] == ':' {
		i++
	}
	return i
}

// skip returns where the value that begins at i ends in valid JSON.
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

// skipString returns where the string that begins at i ends.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// unquote returns what a string of valid JSON says.
func unquote(value []byte) string {
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(value, &s) // a valid string is one
	return s
}

// plainNumbers returns a copy in which NaN, Infinity and -Infinity are 0 and
// blanks, so that every byte keeps its place. It returns nil if there are none. It
// may spoil what is no JSON, but makes none of it.
func plainNumbers(b []byte) []byte {
	var plain []byte
	before := byte(' ') // the last byte that is no blank
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

// pythonNumber returns the number at the beginning of b that Python's json takes
// and that is no JSON.
func pythonNumber(b []byte) string {
	for _, n := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(n)) {
			return n
		}
	}
	return ""
}
