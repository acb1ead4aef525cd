package spacy

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// TestNetworksAgainstReference compares token vectors and scores with a simple, slow
// computation in float64. Most networks have other sizes than those of real pipelines.
func TestNetworksAgainstReference(t *testing.T) {
	text := strings.Repeat("In Paris the number of a mark was 12, and  they\nsaid \"Tim Cook isn't a mark\". ", 3)
	all := columnNames[:]
	for name, s := range map[string]tiny{
		"small":        small,
		"one piece":    {width: 5, depth: 1, pieces: 1, columns: all[:1], rows: []int{7}, hidden: 3, labels: []string{"A"}},
		"every column": {width: 20, depth: 5, pieces: 3, columns: all, rows: []int{50, 40, 30, 20, 3, 2, 60, 70}, hidden: 17, labels: []string{"A", "B", "C"}},
		"three tables": {width: 16, depth: 4, pieces: 3, columns: all[:3], rows: []int{50, 40, 30}, hidden: 64, labels: []string{"A"}}, // mix and encoder have equal shapes
		"word vectors": {width: 12, depth: 3, pieces: 2, columns: all[1:3], rows: []int{50, 40}, hidden: 8, labels: []string{"A"}, vectors: 19},
		"wide window":  {width: 12, depth: 3, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, window: 2},
		"wider window": {width: 7, depth: 2, pieces: 2, columns: all[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, window: 5},
		"more pieces":  {width: 11, depth: 2, pieces: 4, columns: all[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, mixPieces: 3},
		"many pieces":  {width: 20, depth: 2, pieces: 9, columns: all[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, mixPieces: 3, window: 2},
		"no maxout":    {width: 12, depth: 2, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, lowerPieces: 1},
		"three pieces": {width: 12, depth: 2, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 17, labels: []string{"A"}, lowerPieces: 3},
		"no upper":     {width: 12, depth: 2, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 8, labels: []string{"A", "B"}, noUpper: true},
		"extra tokens": {width: 12, depth: 2, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 8, labels: []string{"A", "B"}, extra: true},
		"wide hidden":  {width: 12, depth: 2, pieces: 3, columns: all[:2], rows: []int{50, 40}, hidden: 257, labels: []string{"A"}},
		"everything":   {width: 12, depth: 2, pieces: 5, columns: all[:2], rows: []int{50, 40}, hidden: 8, labels: []string{"A"}, mixPieces: 3, window: 3, lowerPieces: 4, extra: true, noUpper: true},
		"characters":   {width: 12, depth: 2, pieces: 3, columns: all[6:7], rows: []int{50}, hidden: 9, labels: []string{"A"}, chars: 5},
		"all of it":    {width: 12, depth: 2, pieces: 3, columns: all[:1], rows: []int{50}, hidden: 9, labels: []string{"A"}, chars: 8, vectors: 19},
		"listener":     {width: 32, depth: 8, pieces: 3, columns: all[:4], rows: []int{50, 40, 30, 20}, hidden: 32, labels: []string{"A"}, listen: true},

		// In these networks the padding stays near zero, and layernorm makes it large.
		"no biases":                 fewBiases(2, 1, 1e-30),
		"no biases, deep":           fewBiases(7, 1, 1e-30),
		"no biases, wide window":    fewBiases(5, 2, 1e-30),
		"small biases":              fewBiases(4, 1, 1e-6),
		"small biases, deep":        fewBiases(8, 1, 1e-4),
		"small biases, wide window": fewBiases(5, 2, 1e-6),
	} {
		for _, variant := range kernel.Variants() {
			t.Run(name+"/"+variant, func(t *testing.T) {
				restore, err := kernel.SetVariant(variant)
				if err != nil {
					t.Fatal(err)
				}
				defer restore()
				files := s.files(t, 1)
				p, err := openFiles(files, Options{})
				if err != nil {
					t.Fatal(err)
				}
				tokens := p.tokenizer.Tokenize(text, nil)
				for _, n := range []int{1, 2, 3, 4, 5, 9, len(tokens)} {
					compareNetworks(t, p, files, s, text, tokens[:n])
				}
			})
		}
	}
}

// fewBiases returns a network whose biases are multiplied by a factor.
func fewBiases(depth, window int, factor float32) tiny {
	return tiny{width: 32, depth: depth, pieces: 3, columns: columnNames[:2], rows: []int{50, 40}, hidden: 9, labels: []string{"A"}, window: window, biases: factor}
}

func compareNetworks(t *testing.T, p *Pipeline, files map[string][]byte, s tiny, text string, tokens []Token) {
	t.Helper()
	file := "ner/model"
	if s.listen {
		file = "tok2vec/model"
	}
	layers, err := parseModel(files[file])
	if err != nil {
		t.Fatal(err)
	}
	ref := reference{layers: layers}
	want := ref.tok2vec(t, files, text, tokens)
	got := encoded(p.ner.tok2vec, &encoder{}, text, tokens)
	compareRows(t, "vectors", got, want)

	if layers, err = parseModel(files["ner/model"]); err != nil {
		t.Fatal(err)
	}
	ref = reference{layers: layers}
	f := &features{}
	f.start(p.ner.transition, &encoder{}, text, tokens)
	if err := f.reach(t.Context(), len(tokens)-1, 0); err != nil {
		t.Fatal(err)
	}
	last := len(tokens) - 1
	for _, slots := range [][]int{{0, -1, -1, -1, -1, -1}, {last, -1, -1, -1, -1, -1}, {last, 0, last - 1, -1, 0, -1}, {last / 2, last, 0, 0, last, last / 3}} {
		slots = slots[:p.ner.slots]
		for i, token := range slots {
			f.set(i, token)
		}
		compareRows(t, "scores", f.score(), [][]float64{ref.scores(want, slots)})
	}
}

func compareRows(t *testing.T, what string, got []float32, want [][]float64) {
	t.Helper()
	if len(got) != len(want)*len(want[0]) {
		t.Fatalf("%d %s, want %d times %d", len(got), what, len(want), len(want[0]))
	}
	for i, g := range got {
		w := want[i/len(want[0])][i%len(want[0])]
		if math.Abs(float64(g)-w) > 2e-4*max(1, math.Abs(w)) {
			t.Fatalf("%s of %d: row %d, value %d is %v, want %v", what, len(want), i/len(want[0]), i%len(want[0]), g, w)
		}
	}
}

// reference computes the networks from the layers of a file as they are defined.
type reference struct{ layers []layer }

func (r reference) find(name string, nth int) *layer {
	for i := range r.layers {
		if r.layers[i].name == name {
			if nth == 0 {
				return &r.layers[i]
			}
			nth--
		}
	}
	return nil
}

func (l *layer) values(name string) []float64 {
	for _, p := range l.params {
		if p.name == name {
			var out []float64
			for _, v := range p.array.floats() {
				out = append(out, float64(v))
			}
			return out
		}
	}
	return nil
}

// tok2vec computes the whole network: embed, mix, and the window encoder. It puts as
// many rows of zeros around the text as the encoder's layers read.
func (r reference) tok2vec(t *testing.T, files map[string][]byte, text string, tokens []Token) [][]float64 {
	var rows [][]float64
	columns, err := (&tok2vecLayers{extract: r.find("extract_features", 0)}).columns()
	if err != nil {
		t.Fatal(err)
	}
	for i := range tokens {
		x := r.chars(text[tokens[i].Start:tokens[i].End])
		for n := 0; r.find("hashembed", n) != nil; n++ {
			l := r.find("hashembed", n)
			seed, _ := l.intAttr("seed")
			e := l.values("E")
			width := l.params[0].array.shape[1]
			h1, h2 := hashRows(columns[n].id(text, &tokens[i]), uint32(seed))
			sum := make([]float64, width)
			for _, h := range []uint32{uint32(h1), uint32(h1 >> 32), uint32(h2), uint32(h2 >> 32)} {
				row := int(h % uint32(len(e)/width))
				for k := range sum {
					sum[k] += e[row*width+k]
				}
			}
			x = append(x, sum...)
		}
		if l := r.find("static_vectors", 0); l != nil {
			x = append(x, r.static(files, l, text[tokens[i].Start:tokens[i].End])...)
		}
		rows = append(rows, r.block(0, x))
	}
	depth := 0
	for r.find("maxout", depth+1) != nil {
		depth++
	}
	zeros := make([]float64, len(rows[0]))
	size, _ := r.find("expand_window", 0).intAttr("window_size")
	window := int(size)
	pad := slices.Repeat([][]float64{zeros}, depth*window)
	z := slices.Concat(pad, rows, pad)
	for l := 1; l <= depth; l++ {
		at := func(i int) []float64 {
			if i < 0 || i >= len(z) {
				return zeros
			}
			return z[i]
		}
		next := make([][]float64, len(z))
		for i := range z {
			var x []float64
			for k := i - window; k <= i+window; k++ {
				x = append(x, at(k)...)
			}
			next[i] = r.block(l, x)
			for k := range next[i] {
				next[i][k] += z[i][k]
			}
		}
		z = next
	}
	return z[len(pad):][:len(tokens)]
}

// chars embeds bytes as spaCy's Doc.to_utf8_array takes them: alternately from both ends.
func (r reference) chars(word string) (x []float64) {
	l := r.find("charembed", 0)
	if l == nil {
		return nil
	}
	e := l.values("E")
	var taken []int
	for start, end := 0, len(word)-1; start <= end; start, end = start+1, end-1 {
		taken = append(taken, int(word[start]))
		if start < end {
			taken = append(taken, int(word[end]))
		}
	}
	for place := range l.params[0].array.shape[0] {
		b := 255
		if place < len(taken) {
			b = taken[place]
		}
		x = append(x, e[(place*256+b)*charDim:][:charDim]...)
	}
	return x
}

func (r reference) static(files map[string][]byte, l *layer, word string) []float64 {
	w := l.values("W")
	dim := l.params[0].array.shape[1]
	out := make([]float64, len(w)/dim)
	i := slices.Index(vectorWords, word)
	if i < 0 {
		return out
	}
	data := files["vocab/vectors"]
	data = data[len(data)-4*dim*len(vectorWords):]
	row := array{data: data[(i+2)%len(vectorWords)*4*dim:][:4*dim]}.floats()
	for o := range out {
		for k, v := range row {
			out[o] += w[o*dim+k] * float64(v)
		}
	}
	return out
}

// block computes the nth maxout and its layernorm.
func (r reference) block(n int, x []float64) []float64 {
	l, norm := r.find("maxout", n), r.find("layernorm", n)
	w, b := l.values("W"), l.values("b")
	g, add := norm.values("G"), norm.values("b")
	y := maxPieces(w, b, x, len(g))
	var mean, variance float64
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for _, v := range y {
		variance += (v - mean) * (v - mean) / float64(len(y))
	}
	for i := range y {
		y[i] = (y[i]-mean)/math.Sqrt(variance+1e-8)*g[i] + add[i]
	}
	return y
}

// maxPieces multiplies x with a matrix [n][pieces][len(x)], adds the bias, and returns
// the maximum over the pieces.
func maxPieces(w, b, x []float64, n int) []float64 {
	pieces := len(b) / n
	y := make([]float64, n)
	for o := range y {
		y[o] = math.Inf(-1)
		for p := range pieces {
			sum := b[o*pieces+p]
			for i, v := range x {
				sum += w[(o*pieces+p)*len(x)+i] * v
			}
			y[o] = max(y[o], sum)
		}
	}
	return y
}

// scores computes a step of the transition model from the tokens' vectors.
func (r reference) scores(vectors [][]float64, slots []int) []float64 {
	linear, lower, upper := r.find("linear", 1), r.find("precomputable_affine", 0), r.find("linear", 0)
	if linear == nil {
		linear, upper = upper, nil
	}
	w, b, pad := lower.values("W"), lower.values("b"), lower.values("pad")
	hidden := lower.params[0].array.shape[1]
	units := len(b) // of all pieces
	u := slices.Clone(b)
	for f, token := range slots {
		if token < 0 {
			for i := range u {
				u[i] += pad[f*units+i]
			}
			continue
		}
		lb := linear.values("b")
		h := maxPieces(linear.values("W"), lb, vectors[token], len(lb))
		for i, v := range maxPieces(w[f*units*len(h):][:units*len(h)], make([]float64, units), h, units) {
			u[i] += v
		}
	}
	hid := make([]float64, hidden)
	for o := range hid {
		hid[o] = slices.Max(u[o*units/hidden : (o+1)*units/hidden])
	}
	if upper == nil {
		return hid
	}
	ub := upper.values("b")
	return maxPieces(upper.values("W"), ub, hid, len(ub))
}

// TestHashRows compares hashRows with thinc's Ops.hash.
func TestHashRows(t *testing.T) {
	for _, c := range []struct {
		id   uint64
		seed uint32
		want [4]uint32
	}{
		{0, 8, [4]uint32{0, 0, 0, 0}},
		{1, 8, [4]uint32{1161550108, 2247783286, 1742325162, 1224191281}},
		{8566208034543834098, 8, [4]uint32{2653853934, 3922826080, 3980780901, 3736755472}},
		{8566208034543834098, 9, [4]uint32{4123736922, 2784764516, 607874342, 2197463506}},
		{101, 11, [4]uint32{1763378230, 3759297338, 627086936, 2342724702}},
		{math.MaxUint64, 10, [4]uint32{822701949, 1838351913, 2575304842, 1711549812}},
	} {
		h1, h2 := hashRows(c.id, c.seed)
		got := [4]uint32{uint32(h1), uint32(h1 >> 32), uint32(h2), uint32(h2 >> 32)}
		if got != c.want {
			t.Errorf("hashRows(%d, %d) = %v, want %v", c.id, c.seed, got, c.want)
		}
	}
}

// TestSharedVectorsAreComputedOnce checks that a text is encoded only once if the parser
// and the recognizer listen to the same network.
func TestSharedVectorsAreComputedOnce(t *testing.T) {
	s := small
	s.listen, s.parser = true, true
	p, err := openFiles(s.files(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := "Tim Cook isn't in Paris."
	tokens := p.tokenizer.Tokenize(text, nil)
	e := &encoder{}
	want := encoded(p.parser.tok2vec, e, text, tokens)
	e.scratch[0], e.tmp[0] = float32(math.NaN()), float32(math.NaN()) // any computation would overwrite them
	got := encoded(p.ner.tok2vec, e, text, tokens)
	if !slices.Equal(got, want) || !math.IsNaN(float64(e.tmp[0])) {
		t.Errorf("the vectors were computed again")
	}
	if _, err := p.Entities(t.Context(), text); err != nil {
		t.Error(err)
	}
	again, err := p.Entities(t.Context(), "Another text.") // must not use the old vectors
	if err != nil {
		t.Error(err)
	}
	fresh, err := openFiles(s.files(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := fresh.Entities(t.Context(), "Another text."); err != nil || !slices.Equal(again, want) {
		t.Errorf("entities %v (%v), of a new pipeline %v", again, err, want)
	}
}
