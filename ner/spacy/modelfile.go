package spacy

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/narwhal-server/narwhal/internal/msgpack"
)

// A model file is thinc's Model.to_bytes: the layers of a network in
// breadth-first order, each with its name, its dimensions, its attributes and
// its parameters. Parameters are copied out of the file only when a layer is built.
// The hash tables, nine tenths of the file, are never copied.

// layer is one node of a network.
type layer struct {
	index  int
	name   string
	dims   []dim
	refs   []dim
	attrs  []attr
	params []param
}

type dim struct {
	name  string
	value int // -1 if the file has nil
}

type attr struct {
	name string
	raw  []byte // MessagePack
}

type param struct {
	name  string
	array array
}

// array is a NumPy array of float32 in C order, little-endian, in place.
type array struct {
	shape []int
	data  []byte
}

// maxLayers limits the memory that a broken file can make parseModel allocate. No real
// pipeline comes near it: en_core_web_lg has 68 layers.
const maxLayers = 10_000

// parseModel reads a model file. The layers point into data.
func parseModel(data []byte) ([]layer, error) {
	c := msgpack.NewReader(data)
	var layers []layer
	// The file has four arrays with an element for each layer, in any order.
	grow := func(what string) int {
		n := c.Array()
		switch {
		case n > maxLayers:
			c.Fail("%d layers: no pipeline has more than %d", n, maxLayers)
		case c.Err() == nil && layers == nil:
			layers = make([]layer, n)
		case c.Err() == nil && len(layers) != n:
			c.Fail("%d %s for %d layers", n, what, len(layers))
		}
		return n
	}
	for range c.Map() {
		switch key := string(c.Text()); key {
		case "nodes":
			for i := range grow(key) {
				if c.Err() != nil {
					break
				}
				readNode(c, &layers[i], i)
			}
		case "attrs":
			for i := range grow(key) {
				if c.Err() != nil {
					break
				}
				layers[i].attrs = readAttrs(c)
			}
		case "params":
			for i := range grow(key) {
				if c.Err() != nil {
					break
				}
				layers[i].params = readParams(c)
			}
		case "shims":
			for i := range grow(key) {
				if c.Err() != nil {
					break
				}
				if n := c.Array(); n != 0 {
					c.Fail("layer %d wraps another framework's model (PyTorch, TensorFlow)", i)
				}
			}
		default:
			c.Skip()
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
	}
	if err := c.End(); err != nil {
		return nil, err
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("no layers: not a model file of thinc")
	}
	return layers, nil
}

func readNode(c *msgpack.Reader, l *layer, i int) {
	for range c.Map() {
		switch string(c.Text()) {
		case "index":
			if l.index = int(c.Int()); l.index != i {
				c.Fail("layer %d calls itself %d", i, l.index)
			}
		case "name":
			l.name = string(c.Text())
		case "dims":
			l.dims = readDims(c)
		case "refs":
			l.refs = readDims(c)
		default:
			c.Skip()
		}
		if c.Err() != nil {
			return
		}
	}
}

func readDims(c *msgpack.Reader) []dim {
	n := c.Map()
	if n == 0 {
		return nil
	}
	dims := make([]dim, 0, min(n, 16))
	for range n {
		d := dim{name: string(c.Text()), value: -1}
		if !c.Nil() {
			v := c.Int()
			if v < 0 || v > math.MaxInt32 {
				c.Fail("dimension %s is %d", d.name, v)
			}
			d.value = int(v)
		}
		if c.Err() != nil {
			return nil
		}
		dims = append(dims, d)
	}
	return dims
}

func readAttrs(c *msgpack.Reader) []attr {
	n := c.Map()
	if n == 0 {
		return nil
	}
	attrs := make([]attr, 0, min(n, 16))
	for range n {
		attrs = append(attrs, attr{name: string(c.Text()), raw: c.Bytes()})
		if c.Err() != nil {
			return nil
		}
	}
	return attrs
}

func readParams(c *msgpack.Reader) []param {
	n := c.Map()
	if n == 0 {
		return nil
	}
	params := make([]param, 0, min(n, 16))
	for range n {
		p := param{name: string(c.Text())}
		if !c.Nil() {
			p.array = readArray(c)
		}
		if c.Err() != nil {
			return nil
		}
		params = append(params, p)
	}
	return params
}

// readArray reads a NumPy array as srsly writes it.
func readArray(c *msgpack.Reader) array {
	var a array
	var kind string
	for range c.Map() {
		switch string(c.Text()) {
		case "nd":
			if !c.Bool() {
				c.Fail("a scalar where an array is due")
			}
		case "type":
			kind = string(c.Text())
		case "shape":
			for range c.Array() {
				a.shape = append(a.shape, int(c.Int()))
				if c.Err() != nil || len(a.shape) > 8 {
					c.Fail("array of more than 8 dimensions")
					return array{}
				}
			}
		case "data":
			a.data = c.Bytes()
		default:
			c.Skip()
		}
		if c.Err() != nil {
			return array{}
		}
	}
	if kind != "<f4" {
		c.Fail("array of type %q: want <f4, little-endian float32", kind)
	}
	size := int64(4)
	for _, n := range a.shape {
		if n < 0 || n > math.MaxInt32 || size > math.MaxInt32 {
			c.Fail("array of shape %v", a.shape)
			return array{}
		}
		size *= int64(n)
	}
	if size != int64(len(a.data)) {
		c.Fail("array of shape %v in %d bytes: want %d", a.shape, len(a.data), size)
	}
	return a
}

// floats returns a copy of the array.
func (a array) floats() []float32 { return a.floatsTo(nil) }

// floatsTo returns a copy of the array: in buf, or in a new slice if buf is too short.
func (a array) floatsTo(buf []float32) []float32 {
	out := grow(buf, len(a.data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.data[4*i:]))
	}
	return out
}

// param returns a parameter of the layer. It fails if the parameter is missing or
// empty, or has another shape. -1 in shape accepts any number.
func (l *layer) param(name string, shape ...int) (array, error) {
	for _, p := range l.params {
		if p.name != name {
			continue
		}
		if p.array.shape == nil {
			return array{}, fmt.Errorf("layer %d (%s): %s is empty: the pipeline was saved before it was trained", l.index, l.kind(), name)
		}
		ok := len(shape) == len(p.array.shape)
		for i := 0; ok && i < len(shape); i++ {
			ok = shape[i] == p.array.shape[i] || shape[i] < 0
		}
		if !ok {
			return array{}, fmt.Errorf("layer %d (%s): %s has shape %v, want %s", l.index, l.kind(), name, p.array.shape, shapeWords(shape))
		}
		return p.array, nil
	}
	return array{}, fmt.Errorf("layer %d (%s) has no %s", l.index, l.kind(), name)
}

func shapeWords(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), "-1", "any")
}

// ref returns the index of the layer to which the reference name of l leads, or -1 if
// l has no such reference.
func (l *layer) ref(name string) int {
	for _, r := range l.refs {
		if r.name == name {
			return r.value
		}
	}
	return -1
}

// attr returns a reader of an attribute's value, or nil if the layer has no such
// attribute.
func (l *layer) attr(name string) *msgpack.Reader {
	for _, a := range l.attrs {
		if a.name == name {
			return msgpack.NewReader(a.raw)
		}
	}
	return nil
}

// intAttr returns the value of an attribute. It fails if the attribute is missing or
// not an integer.
func (l *layer) intAttr(name string) (int64, error) {
	c := l.attr(name)
	if c == nil {
		return 0, fmt.Errorf("layer %d (%s) has no attribute %s", l.index, l.kind(), name)
	}
	v := c.Int()
	if err := c.End(); err != nil {
		return 0, fmt.Errorf("layer %d (%s): attribute %s: %w", l.index, l.kind(), name, err)
	}
	return v, nil
}

// kind returns the layer's name without the names of its children. The name of a layer
// that holds others contains the names of all of them.
func (l *layer) kind() string {
	if i := strings.IndexAny(l.name, "(>|"); i > 0 {
		return l.name[:i] + "…"
	}
	return l.name
}

// leaf reports whether the layer holds no other layers.
func (l *layer) leaf() bool { return !strings.ContainsAny(l.name, "(>|") }
