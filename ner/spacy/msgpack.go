package spacy

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// cursor reads MessagePack in place: strings and binaries it returns are parts
// of the input. The first error sticks and every later read returns zero, so a
// caller may read a whole record and look at err once; only loops whose count
// came from the file look at each turn.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// step takes what a read of msgp left over, or its error.
func (c *cursor) step(rest []byte, err error) {
	if err != nil {
		c.fail("msgpack: %w", err)
		return
	}
	c.b = rest
}

// mapLen and arrayLen return the number of entries that follow. A count that
// cannot be true, because each entry takes at least a byte, is an error here
// and not an allocation later.
func (c *cursor) mapLen() int {
	if c.err != nil {
		return 0
	}
	n, rest, err := msgp.ReadMapHeaderBytes(c.b)
	c.step(rest, err)
	return c.count(n, 2)
}

func (c *cursor) arrayLen() int {
	if c.err != nil {
		return 0
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(c.b)
	c.step(rest, err)
	return c.count(n, 1)
}

func (c *cursor) count(n uint32, bytesEach int64) int {
	if c.err == nil && int64(n)*bytesEach > int64(len(c.b)) {
		c.fail("msgpack: %d entries announced, %d bytes left", n, len(c.b))
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

// text reads a string. srsly writes the keys of its NumPy arrays as binaries,
// so both are taken.
func (c *cursor) text() []byte {
	if c.err != nil {
		return nil
	}
	v, rest, err := msgp.ReadMapKeyZC(c.b)
	c.step(rest, err)
	return v
}

// bytes reads a binary.
func (c *cursor) bytes() []byte {
	if c.err != nil {
		return nil
	}
	v, rest, err := msgp.ReadBytesZC(c.b)
	c.step(rest, err)
	return v
}

func (c *cursor) int() int64 {
	if c.err != nil {
		return 0
	}
	v, rest, err := msgp.ReadInt64Bytes(c.b)
	c.step(rest, err)
	return v
}

func (c *cursor) uint() uint64 {
	if c.err != nil {
		return 0
	}
	v, rest, err := msgp.ReadUint64Bytes(c.b)
	c.step(rest, err)
	return v
}

func (c *cursor) bool() bool {
	if c.err != nil {
		return false
	}
	v, rest, err := msgp.ReadBoolBytes(c.b)
	c.step(rest, err)
	return v
}

// null reports whether the next value is nil, and takes it if so.
func (c *cursor) null() bool {
	if c.err != nil || !msgp.IsNil(c.b) {
		return false
	}
	c.b = c.b[1:]
	return true
}

// value steps over the next value and returns its bytes.
func (c *cursor) value() []byte {
	if c.err != nil {
		return nil
	}
	rest, err := msgp.Skip(c.b)
	if err != nil {
		c.fail("msgpack: %w", err)
		return nil
	}
	v := c.b[:len(c.b)-len(rest)]
	c.b = rest
	return v
}

// end reports what is left over as an error.
func (c *cursor) end() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail("msgpack: %d bytes after the end", len(c.b))
	}
	return c.err
}
