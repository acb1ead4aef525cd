package spacy

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestParseModel(t *testing.T) {
	layers, err := parseModel(readModelFile(t, "ner/model"))
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 65 || layers[0].name != "parser_model" || layers[0].ref("lower") != 2 || layers[0].ref("nothing") != -1 {
		t.Fatalf("%d layers, the first is %+v", len(layers), layers[0])
	}
	w, err := layers[2].param("W", 3, 64, 2, 64)
	if err != nil || len(w.floats()) != 3*64*2*64 {
		t.Errorf("the lower layer's W: %d values, %v", len(w.floats()), err)
	}
	if seed, err := layers[38].intAttr("seed"); seed != 11 || err != nil {
		t.Errorf("the last table's seed: %d, %v", seed, err)
	}
	if got := layers[8].kind(); got != "with_array…" {
		t.Errorf("kind of %s = %s", layers[8].name, got)
	}
}

// TestParseModelCopiesNothing checks that the tables are not copied.
func TestParseModelCopiesNothing(t *testing.T) {
	data := readModelFile(t, "ner/model")
	layers, err := parseModel(data)
	if err != nil {
		t.Fatal(err)
	}
	e, err := layers[32].param("E", 5000, 96)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, e.data[:4096])
	data[at]++
	if e.data[0] != data[at] {
		t.Error("the table is a copy")
	}
	if n := testing.AllocsPerRun(5, func() { parseModel(data) }); n > 1000 {
		t.Errorf("%v allocations", n)
	}
}

func TestBadModels(t *testing.T) {

	layersOf := func(n uint32) []byte {
		return msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "nodes"), n)
	}
	withArray := func(kind string, shape []int, size int) []byte {
		b := msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "params"), 1)
		b = msgp.AppendString(msgp.AppendMapHeader(b, 1), "W")
		b = msgp.AppendMapHeader(b, 3)
		b = msgp.AppendString(msgp.AppendString(b, "type"), kind)
		b = msgp.AppendArrayHeader(msgp.AppendString(b, "shape"), uint32(len(shape)))
		for _, n := range shape {
			b = msgp.AppendInt(b, n)
		}
		return msgp.AppendBytes(msgp.AppendString(b, "data"), make([]byte, size))
	}
	shim := msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "shims"), 1)
	shim = msgp.AppendBytes(msgp.AppendArrayHeader(shim, 1), []byte("PyTorch"))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":            {nil, "msgpack: "},
		"no map":             {[]byte{0x93, 1, 2, 3}, "msgpack: "},
		"no layers":          {msgp.AppendMapHeader(nil, 0), "no layers: not a model file of thinc"},
		"cut":                {layersOf(1)[:4], "msgpack: "},
		"a lie about layers": {layersOf(math.MaxUint32), "msgpack: 4294967295 entries announced, 0 bytes left"},
		"too many layers":    {append(layersOf(20_000), make([]byte, 20_000)...), "20000 layers: no pipeline has more than 10000"},
		"bytes after it":     {append(encodeNodes(nil), 0), "msgpack: 1 bytes after the end"},
		"another type":       {withArray("<f8", []int{2}, 16), `array of type "<f8": want <f4`},
		"another size":       {withArray("<f4", []int{2, 3}, 20), "array of shape [2 3] in 20 bytes: want 24"},
		"a negative extent":  {withArray("<f4", []int{-1}, 4), "array of shape [-1]"},
		"an overflow":        {withArray("<f4", []int{math.MaxInt32, math.MaxInt32, math.MaxInt32}, 4), "array of shape [2147483647 2147483647 2147483647]"},
		"many dimensions":    {withArray("<f4", make([]int, 9), 4), "array of more than 8 dimensions"},
		"a shim":             {shim, "layer 0 wraps another framework's model"},
	} {
		if _, err := parseModel(c.data); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s…", name, err, c.want)
		}
	}
}

// FuzzModel checks that any bytes make a model that runs, or an error, and never a
// panic.
func FuzzModel(f *testing.F) {
	s := tiny{width: 2, depth: 1, pieces: 2, columns: []string{"NORM"}, rows: []int{2}, hidden: 2, labels: []string{"A"}}
	f.Add(encodeNodes(s.parserNodes(rand.New(rand.NewPCG(1, 0)), entitySlots, 6)))
	s.listen = true
	f.Add(encodeNodes(s.parserNodes(rand.New(rand.NewPCG(1, 0)), entitySlots, 6)))
	f.Add(encodeNodes(nil))
	classes, err := readMoves(movesOf(`{"1":{"A":1},"2":{"A":1},"3":{"A":1},"4":{"A":1,"":1},"5":{"":1}}`), &entitySystem)
	if err != nil {
		f.Fatal(err)
	}
	const text = "Tim Cook"
	tokens := []Token{{End: 3, RuneEnd: 3, Space: true, Norm: 1}, {Start: 4, End: 8, RuneStart: 4, RuneEnd: 8, Norm: 1 << 63}}
	f.Fuzz(func(t *testing.T, data []byte) {
		layers, err := parseModel(data)
		if err != nil {
			return
		}
		model, err := newTransition(layers, classes, entitySystem.slots, nil, nil, -1)
		if err != nil {
			return
		}
		var feats features
		feats.start(model, &encoder{}, text, tokens)
		if _, _, err := newEntityModel(model).entities(t.Context(), &feats, nil, nil, 0, len(tokens), nil); err != nil {
			t.Error(err)
		}
	})
}

// FuzzMoves checks that readMoves does not panic, whatever the bytes are.
func FuzzMoves(f *testing.F) {
	f.Add(movesOf(`{"1":{"A":1,"B":-2},"5":{"":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		readMoves(data, &entitySystem)
	})
}
