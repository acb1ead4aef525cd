package spacy

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
	"github.com/tinylib/msgp/msgp"
)

// tiny describes a pipeline with random weights. It is small enough for a slow reference
// and for tests that break one of its files.
type tiny struct {
	width, depth, pieces int
	columns              []string
	rows                 []int // the rows of each column's table
	hidden               int
	labels               []string
	listen               bool // ner and parser listen to a shared tok2vec
	parser               bool
	senter               bool
	vectors              int // width of the word vectors, 0: none

	// Settings that differ from spaCy's defaults.
	chars       int  // nC of a CharacterEmbed; 0: none
	window      int  // window_size; 0: 1
	mixPieces   int  // maxout pieces of the layer that mixes the embeddings; 0: as pieces
	lowerPieces int  // maxout_pieces of parser and recognizer; 0: 2
	extra       bool // extra_state_tokens of the recognizer
	noUpper     bool // not use_upper

	// biases multiplies the biases of the tok2vec; 0: 1. They are zero before the first
	// step of a training, and small after few steps.
	biases float32
}

// small is the pipeline that most tests use.
var small = tiny{
	width: 8, depth: 2, pieces: 2, columns: []string{"NORM", "SHAPE"}, rows: []int{50, 20},
	hidden: 6, labels: []string{"ORG", "GPE"},
}

// node is a layer for encodeNodes.
type node struct {
	name   string
	refs   map[string]int
	attrs  map[string]any
	params map[string]tensor
}

type tensor struct {
	shape []int
	data  []float32
}

func random(r *rand.Rand, shape ...int) tensor {
	n := 1
	for _, s := range shape {
		n *= s
	}
	t := tensor{shape, make([]float32, n)}
	for i := range t.data {
		t.data[i] = float32(r.NormFloat64() / 4)
	}
	return t
}

// columnsAttr returns the columns as MultiHashEmbed writes them, or as CharacterEmbed does.
func (s tiny) columnsAttr() any {
	if s.chars == 0 {
		return s.columns
	}
	var ids []any
	for _, name := range s.columns {
		ids = append(ids, columnIDs[slices.Index(columnNames[:], name)])
	}
	return ids
}

// charDim is the nM of a CharacterEmbed.
const charDim = 5

// tok2vecNodes returns the layers of a tok2vec, in the order of thinc's files.
func (s tiny) tok2vecNodes(r *rand.Rand) []node {
	window := max(s.window, 1)
	nodes := []node{
		{name: fmt.Sprintf("with_array(%s)", strings.Repeat("residual(x)>>", s.depth)), attrs: map[string]any{"pad": s.depth * window}},
		{name: "extract_features", attrs: map[string]any{"columns": s.columnsAttr()}},
		{name: "list2ragged"},
	}
	inputs := len(s.columns) * s.width
	if s.chars > 0 {
		inputs += s.chars * charDim
		nodes = append(nodes, node{name: "charembed", params: map[string]tensor{"E": random(r, s.chars, 256, charDim)}})
	}
	if s.vectors > 0 {
		inputs += s.width
		nodes = append(nodes, node{name: "static_vectors", attrs: map[string]any{"key_attr": "ORTH"},
			params: map[string]tensor{"W": random(r, s.width, s.vectors)}})
	}
	bias := func(shape ...int) tensor {
		b := random(r, shape...)
		for i := range b.data {
			b.data[i] *= cmp.Or(s.biases, 1)
		}
		return b
	}
	block := func(in, pieces int) {
		nodes = append(nodes,
			node{name: "maxout", params: map[string]tensor{"W": random(r, s.width, pieces, in), "b": bias(s.width, pieces)}},
			node{name: "layernorm", params: map[string]tensor{"G": random(r, s.width), "b": bias(s.width)}})
	}
	if s.mixPieces == 0 {
		s.mixPieces = s.pieces
	}
	block(inputs, s.mixPieces)
	for i := range s.columns {
		nodes = append(nodes, node{name: "ints-getitem"}, node{name: "hashembed",
			attrs:  map[string]any{"column": i, "seed": 8 + i, "dropout_rate": 0.1},
			params: map[string]tensor{"E": random(r, s.rows[i], s.width)}})
	}
	for range s.depth {
		nodes = append(nodes, node{name: "residual(expand_window>>maxout)"},
			node{name: "expand_window", attrs: map[string]any{"window_size": window}}, node{name: "dropout"})
		block((2*window+1)*s.width, s.pieces)
	}
	return nodes
}

// parserNodes returns the layers of a parser or recognizer with n classes.
func (s tiny) parserNodes(r *rand.Rand, slots, n int) []node {
	in := s.hidden + 1 // differs from hidden, so that a test fails if they are mixed up
	hidden, pieces := s.hidden, s.lowerPieces
	if pieces == 0 {
		pieces = 2
	}
	if s.extra && slots == entitySlots {
		slots = extraSlots
	}
	root := node{name: "parser_model", refs: map[string]int{"tok2vec": 1, "lower": 2, "upper": 3}, attrs: map[string]any{"has_upper": !s.noUpper}}
	if s.noUpper {
		hidden = n
	}
	nodes := []node{
		root,
		{name: "tok2vec>>list2array>>linear"},
		{name: "precomputable_affine", params: map[string]tensor{
			"W": random(r, slots, hidden, pieces, in), "b": random(r, hidden, pieces), "pad": random(r, 1, slots, hidden, pieces)}},
	}
	if s.noUpper {
		nodes = append(nodes, node{name: "noop"})
	} else {
		nodes = append(nodes, node{name: "linear", params: map[string]tensor{"W": random(r, n, hidden), "b": random(r, n)}})
	}
	nodes = append(nodes, []node{
		{name: "list2array"},
		{name: "linear", params: map[string]tensor{"W": random(r, in, s.width), "b": random(r, in)}},
	}...)
	if s.listen {
		return append(nodes, node{name: "tok2vec-listener"})
	}
	return append(nodes, s.tok2vecNodes(r)...)
}

// tagNodes returns the layers of a senter, tagger or morphologizer with n classes.
func (s tiny) tagNodes(r *rand.Rand, n int) []node {
	nodes := []node{
		{name: "tok2vec>>with_array(softmax)", refs: map[string]int{"tok2vec": 2, "softmax": 1}},
		{name: "softmax", attrs: map[string]any{"softmax_normalize": false}, params: map[string]tensor{"W": random(r, n, s.width), "b": random(r, n)}},
	}
	if s.listen {
		return append(nodes, node{name: "tok2vec-listener"})
	}
	return append(nodes, s.tok2vecNodes(r)...)
}

// encodeNodes returns a model file with the layers, as thinc's Model.to_bytes does.
func encodeNodes(nodes []node) []byte {
	b := msgp.AppendMapHeader(nil, 4)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "nodes"), uint32(len(nodes)))
	for i, n := range nodes {
		b = msgp.AppendMapHeader(b, 4)
		b = msgp.AppendInt(msgp.AppendString(b, "index"), i)
		b = msgp.AppendString(msgp.AppendString(b, "name"), n.name)
		b = msgp.AppendMapHeader(msgp.AppendString(b, "dims"), 1)
		b = msgp.AppendNil(msgp.AppendString(b, "nI"))
		b = msgp.AppendMapHeader(msgp.AppendString(b, "refs"), uint32(len(n.refs)))
		for _, k := range slices.Sorted(maps.Keys(n.refs)) {
			b = msgp.AppendInt(msgp.AppendString(b, k), n.refs[k])
		}
	}
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "attrs"), uint32(len(nodes)))
	for _, n := range nodes {
		b = msgp.AppendMapHeader(b, uint32(len(n.attrs)))
		for _, k := range slices.Sorted(maps.Keys(n.attrs)) {
			v, err := msgp.AppendIntf(nil, n.attrs[k])
			if err != nil {
				panic(err)
			}
			b = msgp.AppendBytes(msgp.AppendString(b, k), v)
		}
	}
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "params"), uint32(len(nodes)))
	for _, n := range nodes {
		b = msgp.AppendMapHeader(b, uint32(len(n.params)))
		for _, k := range slices.Sorted(maps.Keys(n.params)) {
			b = appendTensor(msgp.AppendString(b, k), n.params[k])
		}
	}
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "shims"), uint32(len(nodes)))
	for range nodes {
		b = msgp.AppendArrayHeader(b, 0)
	}
	return b
}

func appendTensor(b []byte, t tensor) []byte {
	b = msgp.AppendMapHeader(b, 5)
	b = msgp.AppendBool(msgp.AppendBytes(b, []byte("nd")), true)
	b = msgp.AppendString(msgp.AppendBytes(b, []byte("type")), "<f4")
	b = msgp.AppendBytes(msgp.AppendBytes(b, []byte("kind")), nil)
	b = msgp.AppendArrayHeader(msgp.AppendBytes(b, []byte("shape")), uint32(len(t.shape)))
	for _, n := range t.shape {
		b = msgp.AppendInt(b, n)
	}
	return msgp.AppendBytes(msgp.AppendBytes(b, []byte("data")), littleEndian(t.data))
}

func littleEndian(x []float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// movesFile returns a moves file. The labels of a move are in the order of their
// classes.
func movesFile(labels map[int][]string) []byte {
	freqs := map[string]map[string]int{}
	for move, list := range labels {
		m := map[string]int{}
		for i, l := range list {
			m[l] = 1000 - i
		}
		freqs[fmt.Sprint(move)] = m
	}
	text, err := json.Marshal(freqs)
	if err != nil {
		panic(err)
	}
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(msgp.AppendString(b, "moves"), string(text))
	b = msgp.AppendMapHeader(msgp.AppendString(b, "cfg"), 1)
	return msgp.AppendNil(msgp.AppendString(b, "neg_key"))
}

// files returns the files of the pipeline. The tokenizer is that of the pipeline in
// modelDir, because only spaCy's own patterns are accepted.
func (s tiny) files(t testing.TB, seed uint64) map[string][]byte {
	r := rand.New(rand.NewPCG(seed, 0))
	unit := append(slices.Clone(s.labels), "")
	files := map[string][]byte{
		"meta.json":         []byte(`{"lang":"en","name":"tiny","version":"0.1","license":"MIT"}`),
		"tokenizer":         readModelFile(t, "tokenizer"),
		"vocab/lookups.bin": readModelFile(t, "vocab/lookups.bin"),
		"ner/cfg":           []byte(`{"beam_width":1,"learn_tokens":false}`),
		"ner/moves": movesFile(map[int][]string{moveMissing: nil, moveBegin: s.labels, moveIn: s.labels,
			moveLast: s.labels, moveUnit: unit, moveOut: {""}}),
		"ner/model": encodeNodes(s.parserNodes(r, entitySlots, 4*len(s.labels)+2)),
	}
	names := []string{`"ner"`}
	var components strings.Builder
	if s.parser {
		names = append([]string{`"parser"`}, names...)
		files["parser/cfg"] = files["ner/cfg"]
		files["parser/moves"] = movesFile(map[int][]string{moveShift: {""}, moveReduce: {""}, moveLeft: {"nsubj", "det"}, moveRight: {"obj"}, moveBreak: {"ROOT"}})
		files["parser/model"] = encodeNodes(s.parserNodes(r, parserSlots, 6))
		components.WriteString(s.transitionConfig("parser"))
	}
	if s.senter {
		names = append([]string{`"senter"`}, names...)
		files["senter/model"] = encodeNodes(s.tagNodes(r, 2))
		components.WriteString("[components.senter]\nfactory = \"senter\"\n\n[components.senter.model]\n@architectures = \"spacy.Tagger.v2\"\n\n" + s.networkConfig("senter"))
	}
	components.WriteString(s.transitionConfig("ner"))
	if s.listen {
		names = append([]string{`"tok2vec"`}, names...)
		files["tok2vec/model"] = encodeNodes(s.tok2vecNodes(r))
		components.WriteString("[components.tok2vec]\nfactory = \"tok2vec\"\n" + tok2vecConfig("components.tok2vec.model"))
	}
	files["config.cfg"] = []byte("[nlp]\nlang = \"en\"\npipeline = [" + strings.Join(names, ",") + "]\ndisabled = []\n\n" + components.String())
	s.vectorFiles(r, files)
	return files
}

func (s tiny) transitionConfig(name string) string {
	return fmt.Sprintf("[components.%[1]s]\nfactory = %[1]q\n\n[components.%[1]s.model]\n@architectures = \"spacy.TransitionBasedParser.v2\"\nstate_type = %[1]q\n\n", name) + s.networkConfig(name)
}

// networkConfig returns the part of the config that says which network a component has.
func (s tiny) networkConfig(name string) string {
	if s.listen {
		return fmt.Sprintf("[components.%s.model.tok2vec]\n@architectures = \"spacy.Tok2VecListener.v1\"\nupstream = \"*\"\n\n", name)
	}
	return tok2vecConfig("components." + name + ".model.tok2vec")
}

func tok2vecConfig(section string) string {
	return fmt.Sprintf("[%[1]s]\n@architectures = \"spacy.Tok2Vec.v2\"\n\n[%[1]s.embed]\n@architectures = \"spacy.MultiHashEmbed.v2\"\n\n[%[1]s.encode]\n@architectures = \"spacy.MaxoutWindowEncoder.v2\"\n\n", section)
}

// vectorWords are the words that have vectors. Their order is not that of the rows.
var vectorWords = []string{"the", "Paris", "number", "in", "a"}

func (s tiny) vectorFiles(r *rand.Rand, files map[string][]byte) {
	if s.vectors == 0 {
		return
	}
	table := random(r, len(vectorWords), s.vectors)
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(vectorWords), s.vectors)
	var npy bytes.Buffer
	npy.WriteString("\x93NUMPY\x01\x00")
	npy.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	npy.WriteString(header)
	npy.Write(littleEndian(table.data))
	files["vocab/vectors"] = npy.Bytes()
	keys := msgp.AppendMapHeader(nil, uint32(len(vectorWords)))
	for i, w := range vectorWords {
		keys = msgp.AppendInt(msgp.AppendUint64(keys, tokenizer.StringID(w)), (i+2)%len(vectorWords))
	}
	files["vocab/key2row"] = keys
	files["vocab/vectors.cfg"] = []byte(`{"mode":"default"}`)
}

// openFiles opens a pipeline whose files are in a map.
func openFiles(files map[string][]byte, opts Options) (*Pipeline, error) {
	return OpenFiles(func(name string) ([]byte, error) {
		b, ok := files[name]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return b, nil
	}, opts)
}
