package spacy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// tok2vec is spaCy's convolutional network. It computes a vector for every token, from
// the token and its neighbours.
//
//	ids of a token --hashembed, one table a column--> tables×width
//	             --mix: maxout, layernorm--> width            (cached by type)
//	neighbours, 3×width --maxout, layernorm, + the middle one--> width
//	                                                          (depth times)
//
// It is spacy.Tok2Vec.v2 of spacy.MultiHashEmbed.v2 or spacy.CharacterEmbed.v2, and
// spacy.MaxoutWindowEncoder.v2. All sizes come from the model file.
type tok2vec struct {
	width   int
	columns []column
	chars   *charTable // nil without CharacterEmbed
	tables  []hashTable
	static  *staticVectors // nil without word vectors
	mix     mixLayer
	window  int // how many neighbours on each side a layer of the encoder reads
	encoder []encoderLayer

	cache *typeCache
}

// mixLayer brings a token's concatenated embeddings to the network's width.
type mixLayer struct {
	maxout *kernel.Matrix
	norm
}

// encoderLayer computes a value from every row and its neighbours, and adds it to the
// row. With one neighbour on each side and up to kernel.MaxPieces pieces, as in all
// pipelines of spaCy's authors, it is a convolution. Otherwise it has only long sums.
type encoderLayer struct {
	conv *kernel.Conv  // nil: use sums
	sums maxout        // nil: use conv
	long func() maxout // packs the same weights for long sums (margin.go)
	norm

	// padding is the result of the layers up to this one for a row that no token reaches.
	// nil: encode needs no such row of this layer.
	padding []float32
}

// norm has the parameters of a layernorm.
type norm struct{ gain, bias []float32 }

// newTok2Vec builds the network from the layers of a model file. The file may also
// have the layers of a parser. vecs may be nil if the network has no static_vectors.
func newTok2Vec(layers []layer, vecs *vectors, cacheEntries int) (*tok2vec, error) {
	parts, err := sortLayers(layers)
	if err != nil {
		return nil, err
	}
	t := &tok2vec{}
	if t.columns, err = parts.columns(); err != nil {
		return nil, err
	}
	if len(parts.tables) == 0 || len(parts.maxouts) == 0 || len(parts.norms) != len(parts.maxouts) {
		return nil, fmt.Errorf("%d hash tables, %d maxout and %d layernorm layers: not a network of MultiHashEmbed and MaxoutWindowEncoder",
			len(parts.tables), len(parts.maxouts), len(parts.norms))
	}
	e, err := parts.tables[0].param("E", -1, -1)
	if err != nil {
		return nil, err
	}
	if t.width = e.shape[1]; t.width < 1 || t.width > maxWidth {
		return nil, fmt.Errorf("layer %d (hashembed): width %d: can run 1 to %d", parts.tables[0].index, t.width, maxWidth)
	}
	for _, l := range parts.tables {
		table, err := newHashTable(l, t.width, len(t.columns))
		if err != nil {
			return nil, err
		}
		t.tables = append(t.tables, table)
	}
	if parts.chars != nil {
		if t.chars, err = newCharTable(parts.chars); err != nil {
			return nil, err
		}
	}
	if parts.static != nil {
		if t.static, err = newStaticVectors(parts.static, vecs, t.width); err != nil {
			return nil, err
		}
	}
	if err := t.readLayers(parts); err != nil {
		return nil, err
	}
	t.cache = newTypeCache(cacheEntries, t.keyLen(), t.width)
	return t, nil
}

// readLayers packs the mix layer and the encoder. The first maxout layer in the file
// is the mix layer: the file's order is breadth first, and the encoder's layers are
// deeper in the network.
func (t *tok2vec) readLayers(parts *tok2vecLayers) error {
	var err error
	if t.window, err = parts.windowSize(); err != nil {
		return err
	}
	var buf []float32 // a layer's weights until they are packed
	for i, l := range parts.maxouts {
		in := (2*t.window + 1) * t.width
		if i == 0 {
			in = t.mixInputs()
		}
		weights, bias, pieces, err := readMaxout(l, t.width, in)
		if err != nil {
			return err
		}
		buf = weights.floatsTo(buf)
		n, err := readNorm(parts.norms[i], t.width)
		if err != nil {
			return err
		}
		if i == 0 {
			if pieces > kernel.MaxPieces {
				return fmt.Errorf("layer %d (maxout): %d pieces: the layer that mixes the embeddings can have 1 to %d", l.index, pieces, kernel.MaxPieces)
			}
			t.mix = mixLayer{kernel.NewMatrix(buf, bias.floats(), t.width, pieces, in), n}
			continue
		}
		e := encoderLayer{norm: n}
		if t.window == 1 && pieces <= kernel.MaxPieces {
			e.conv = kernel.NewConv(buf, bias.floats(), t.width, pieces, t.width)
			e.long = func() maxout { return newMaxout(weights.floats(), bias.floats(), t.width, pieces, in) }
		} else {
			e.sums = newMaxout(buf, bias.floats(), t.width, pieces, in)
			e.long = func() maxout { return e.sums }
		}
		t.encoder = append(t.encoder, e)
		// A layer computes rows that are up to depth-i windows away from the text, and
		// tokens reach those that are up to i windows away.
		if depth := len(parts.maxouts) - 1; i < depth-i {
			t.pad(bias.floats(), pieces)
		}
	}
	return parts.checkEncoder(len(t.encoder), t.window)
}

// pad computes padding for the newest layer of the encoder. bias is that of its maxout.
func (t *tok2vec) pad(bias []float32, pieces int) {
	w, at := t.width, len(t.encoder)-1
	l, x, before := &t.encoder[at], []float32{0}, make([]float32, t.width)
	var m maxout
	if at == 0 { // all inputs are zero: the weights do not matter
		m = newMaxout(make([]float32, len(bias)), bias, w, pieces, 1)
	} else {
		before = t.encoder[at-1].padding
		m, x = l.long(), slices.Repeat(before, 2*t.window+1)
	}
	out := make([]float32, w)
	m.mul(out, x, 0, 1, make([]float32, w))
	l.padding = make([]float32, w)
	kernel.LayerNorm(l.padding, w, out, w, before, w, l.gain, l.bias, 1)
}

// maxWidth limits the width of a network, and so the memory that a broken file can
// make newTypeCache allocate. Real networks have a width of 96 or 256.
const maxWidth = 4096

// mixInputs returns the width of a token's concatenated embeddings.
func (t *tok2vec) mixInputs() int {
	n := len(t.tables)
	if t.static != nil {
		n++
	}
	return t.chars.width() + n*t.width
}

// keyLen returns the number of ids from which a token's embedding is computed.
func (t *tok2vec) keyLen() int {
	if t.readsOrth() {
		return len(t.columns) + 1
	}
	return len(t.columns)
}

// readsOrth reports whether the embedding depends on the whole word. The last id of a
// type is then its ORTH.
func (t *tok2vec) readsOrth() bool { return t.static != nil || t.chars != nil }

// tok2vecLayers has the layers of a tok2vec that have parameters or attributes, by
// kind.
type tok2vecLayers struct {
	extract, static *layer
	chars           *layer
	tables          []*layer
	maxouts, norms  []*layer
	windows         []*layer
	residuals       int
	pads            []*layer
}

// structural lists the layers that sortLayers skips.
var structural = []string{
	// These only pass values on.
	"list2ragged", "ragged2list", "list2array", "ints-getitem", "dropout", "noop",
	// newTransition and newTagModel read these.
	"parser_model", "precomputable_affine", "linear", "tok2vec-listener", "softmax",
}

// sortLayers returns the layers by kind. It fails if a layer has an unknown kind.
func sortLayers(layers []layer) (*tok2vecLayers, error) {
	p := &tok2vecLayers{}
	for i := range layers {
		switch l := &layers[i]; {
		case !l.leaf():
			if strings.HasPrefix(l.name, "residual(") && !strings.Contains(l.name, ">>residual(") {
				p.residuals++
			}
			if l.attr("pad") != nil {
				p.pads = append(p.pads, l)
			}
		case l.name == "extract_features" && p.extract == nil:
			p.extract = l
		case l.name == "static_vectors" && p.static == nil:
			p.static = l
		case l.name == "charembed" && p.chars == nil:
			p.chars = l
		case l.name == "hashembed":
			p.tables = append(p.tables, l)
		case l.name == "maxout":
			p.maxouts = append(p.maxouts, l)
		case l.name == "layernorm":
			p.norms = append(p.norms, l)
		case l.name == "expand_window":
			p.windows = append(p.windows, l)
		case !slices.Contains(structural, l.name):
			return nil, fmt.Errorf("layer %d is of the unknown kind %q: cannot run it", i, l.name)
		}
	}
	return p, nil
}

// maxWindow limits the memory that a broken file can make encode allocate.
const maxWindow = 64

// windowSize returns the window_size of the encoder: how many neighbours on each side its
// layers read.
func (p *tok2vecLayers) windowSize() (int, error) {
	window := 1
	for i, l := range p.windows {
		size, err := l.intAttr("window_size")
		switch {
		case err != nil:
			return 0, err
		case size < 1 || size > maxWindow:
			return 0, fmt.Errorf("layer %d (expand_window): window_size %d: can run 1 to %d", l.index, size, maxWindow)
		case i > 0 && int(size) != window:
			return 0, fmt.Errorf("layer %d (expand_window): window_size %d, and %d in an earlier layer: can run only one size", l.index, size, window)
		}
		window = int(size)
	}
	return window, nil
}

// checkEncoder checks what the shapes of the parameters do not show. Every layer must add
// its input to its result. The padding must have as many rows as the encoder's layers
// together read on one side. Other layers have a pad of 0.
func (p *tok2vecLayers) checkEncoder(depth, window int) error {
	if p.residuals != depth || len(p.windows) != depth {
		return fmt.Errorf("%d maxout layers with %d windows and %d residual connections: not a MaxoutWindowEncoder",
			depth, len(p.windows), p.residuals)
	}
	want := int64(depth * window)
	for _, l := range p.pads {
		pad, err := l.intAttr("pad")
		isEncoder := strings.Contains(l.name, "residual(")
		if err != nil || pad != want && (pad != 0 || isEncoder) {
			return fmt.Errorf("layer %d: pad %d (%v) around %d layers of window_size %d: want %d", l.index, pad, err, depth, window, want)
		}
	}
	return nil
}

func (p *tok2vecLayers) columns() ([]column, error) {
	if p.extract == nil {
		return nil, fmt.Errorf("no layer extract_features")
	}
	c := p.extract.attr("columns")
	if c == nil {
		return nil, fmt.Errorf("layer %d (extract_features) has no attribute columns", p.extract.index)
	}
	var columns []column
	for range c.Array() {
		i, name := -1, ""
		if c.IsString() { // as MultiHashEmbed writes it
			name = string(c.Text())
			i = slices.Index(columnNames[:], name)
		} else { // as CharacterEmbed writes it
			id := c.Int()
			name, i = fmt.Sprint(id), slices.Index(columnIDs[:], id)
		}
		if i < 0 {
			c.Fail("column %q: can embed only %s", name, strings.Join(columnNames[:], ", "))
			break
		}
		columns = append(columns, column(i))
	}
	if err := c.End(); err != nil {
		return nil, fmt.Errorf("layer %d (extract_features): %w", p.extract.index, err)
	}
	return columns, nil
}

func readMaxout(l *layer, width, in int) (weights, bias array, pieces int, err error) {
	weights, err = l.param("W", width, -1, in)
	if err != nil {
		return array{}, array{}, 0, err
	}
	if pieces = weights.shape[1]; pieces < 1 {
		return array{}, array{}, 0, fmt.Errorf("layer %d (maxout): no pieces", l.index)
	}
	bias, err = l.param("b", width, pieces)
	return weights, bias, pieces, err
}

func readNorm(l *layer, width int) (norm, error) {
	gain, err := l.param("G", width)
	if err != nil {
		return norm{}, err
	}
	bias, err := l.param("b", width)
	if err != nil {
		return norm{}, err
	}
	return norm{gain.floats(), bias.floats()}, nil
}
