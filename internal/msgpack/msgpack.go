// Package msgpack reads MessagePack, the format of a pipeline's binary files. It does not
// copy strings and binaries, except in Str.
//
//	r := msgpack.NewReader(data)
//	for range r.Map() {
//		switch string(r.Text()) {
//		case "name":
//			name = r.Str()
//		default:
//			r.Skip()
//		}
//		if r.Err() != nil {
//			break
//		}
//	}
//	return r.End()
package msgpack

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Reader reads values one after the other. The slices that Text and Bytes return are parts
// of the input. After the first error every read returns zero, and Err returns this error.
// So a caller may read a whole record and check Err once. Only a loop whose count comes
// from the input should check Err in each turn.
type Reader struct {
	rest []byte
	err  error
}

// NewReader returns a reader of data. data must not change while the reader or a slice that
// it has returned is in use.
func NewReader(data []byte) *Reader { return &Reader{rest: data} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Len returns the number of bytes that are still to be read.
func (r *Reader) Len() int { return len(r.rest) }

// Fail sets the reader's error, unless it has one already.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// End returns the first error. If there was none, it returns an error if input is left.
func (r *Reader) End() error {
	if r.err == nil && len(r.rest) > 0 {
		r.Fail("msgpack: %d bytes after the end", len(r.rest))
	}
	return r.err
}

// step takes the results of a read of msgp: the rest of the input, or an error.
func (r *Reader) step(rest []byte, err error) {
	if err != nil {
		r.Fail("msgpack: %w", err)
		return
	}
	r.rest = rest
}

// Map reads the start of a map and returns the number of its pairs. Each pair follows as a
// key and a value. Map fails if the rest of the input is too short for that number: each key
// and value takes at least a byte. So a wrong number cannot make the caller allocate too
// much.
func (r *Reader) Map() int {
	if r.err != nil {
		return 0
	}
	n, rest, err := msgp.ReadMapHeaderBytes(r.rest)
	r.step(rest, err)
	return r.count(n, 2)
}

// Array reads the start of an array and returns the number of its values, which follow. It
// checks the number as Map does.
func (r *Reader) Array() int {
	if r.err != nil {
		return 0
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(r.rest)
	r.step(rest, err)
	return r.count(n, 1)
}

func (r *Reader) count(n uint32, bytesEach int64) int {
	if r.err == nil && int64(n)*bytesEach > int64(len(r.rest)) {
		r.Fail("msgpack: %d entries announced, %d bytes left", n, len(r.rest))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// Text reads the bytes of a string or a binary. It takes both because srsly writes the keys
// of its NumPy arrays as binaries.
func (r *Reader) Text() []byte {
	if r.err != nil {
		return nil
	}
	v, rest, err := msgp.ReadMapKeyZC(r.rest)
	r.step(rest, err)
	return v
}

// Str reads what Text reads, as a string. It fails if that is not valid UTF-8.
func (r *Reader) Str() string {
	s := string(r.Text())
	if !utf8.ValidString(s) {
		r.Fail("%.40q is not valid UTF-8", s)
	}
	return s
}

// IsString reports whether the next value is a string.
func (r *Reader) IsString() bool { return msgp.NextType(r.rest) == msgp.StrType }

// Bytes reads a binary.
func (r *Reader) Bytes() []byte {
	if r.err != nil {
		return nil
	}
	v, rest, err := msgp.ReadBytesZC(r.rest)
	r.step(rest, err)
	return v
}

// Int reads a whole number.
func (r *Reader) Int() int64 {
	if r.err != nil {
		return 0
	}
	v, rest, err := msgp.ReadInt64Bytes(r.rest)
	r.step(rest, err)
	return v
}

// Uint reads a whole number that is not negative.
func (r *Reader) Uint() uint64 {
	if r.err != nil {
		return 0
	}
	v, rest, err := msgp.ReadUint64Bytes(r.rest)
	r.step(rest, err)
	return v
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if r.err != nil {
		return false
	}
	v, rest, err := msgp.ReadBoolBytes(r.rest)
	r.step(rest, err)
	return v
}

// Nil reports whether the next value is nil. If it is, Nil reads it.
func (r *Reader) Nil() bool {
	if r.err != nil || !msgp.IsNil(r.rest) {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// Skip skips the next value, of any kind.
func (r *Reader) Skip() {
	if r.err != nil {
		return
	}
	r.step(msgp.Skip(r.rest))
}

// JSON reads the next value, of any kind, and returns it as JSON. The keys of maps stay in
// their order.
func (r *Reader) JSON() []byte {
	if r.err != nil {
		return nil
	}
	value := r.rest
	if r.Skip(); r.err != nil {
		return nil
	}
	var b bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&b, value[:len(value)-len(r.rest)]); err != nil {
		r.Fail("msgpack: %w", err)
	}
	return b.Bytes()
}
