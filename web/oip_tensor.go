package web

import (
	"encoding/binary"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// elementsOf returns how many elements a tensor of this shape has. It accepts [n] and
// [n,1].
func elementsOf(shape []int) (n int, ok bool) {
	if len(shape) == 0 || len(shape) > 2 || shape[0] < 0 || len(shape) == 2 && shape[1] != 1 {
		return 0, false
	}
	return shape[0], true
}

// readJSONTensor reads the elements of a tensor in JSON: a list of strings, or a list of
// such lists. data is JSON, or nil. It stops after one element more than a request may
// have.
func readJSONTensor(data []byte) (items []item, f *failure) {
	if data == nil || data[0] != '[' {
		return nil, badInference("`text` has no `data`", hintBody)
	}
	add := func(value []byte) bool {
		if value[0] != '"' {
			f = badInference(fmt.Sprintf("element %d of `text` is %s, want a string", len(items), textjson.TypeOf(value)), hintBody)
			return false
		}
		_, text, fault := textjson.Item(value)
		it := item{text: text}
		if fault != nil {
			it.fault = noText(fault).about(fmt.Sprintf("text[%d]", len(items)))
		}
		items = append(items, it)
		return len(items) <= mostTexts
	}
	for row := range textjson.Elements(data) {
		if row[0] != '[' {
			if !add(row) {
				return items, f
			}
			continue
		}
		for value := range textjson.Elements(row) {
			if !add(value) {
				return items, f
			}
		}
	}
	return items, nil
}

// readBytesTensor reads the elements of a tensor in binary form. An element is its number
// of bytes, as four bytes, the lowest first, and then its bytes. It stops after one
// element more than a request may have.
func readBytesTensor(b []byte) (items []item, f *failure) {
	for len(b) > 0 && len(items) <= mostTexts {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, badInference(fmt.Sprintf("the tensor ends in element %d of `text`", len(items)),
				"an element is its length, as four bytes in little endian, and its bytes")
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		it := item{text: string(b[4:end])}
		if err := textjson.CheckUTF8(b[4:end]); err != nil {
			it = item{fault: badInference(fmt.Sprintf("element %d of `text` is %v", len(items), err), "encode the text as UTF-8")}
		}
		items = append(items, it)
		b = b[end:]
	}
	return items, nil
}

// appendBytesTensor appends a tensor with these elements in binary form.
func appendBytesTensor(b []byte, elements [][]byte) []byte {
	for _, e := range elements {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b
}
