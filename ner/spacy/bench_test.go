package spacy

import (
	"os"
	"testing"

	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/ner/kernel/peak"
)

// BenchmarkEntities measures one call of Entities on the paragraph that the load
// clients send. It runs with and without the parser, with a cache that has all types of
// the text and without a cache, for every kernel variant of this machine.
//
//	go test -run - -bench Entities ./ner/spacy/
//
// best-ms is the time of the fastest call. On a shared machine the mean depends too
// much on other programs. %peak compares the multiplications and additions, counted
// from the shapes of the networks, with the measured peak of the core.
func BenchmarkEntities(b *testing.B) {
	text, err := os.ReadFile("../../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	for _, variant := range kernel.Variants() {
		for _, parser := range []bool{true, false} {
			for _, warm := range []bool{false, true} {
				name := variant + "/" + either(parser, "full", "noparser") + "/" + either(warm, "warm", "cold")
				b.Run(name, func(b *testing.B) { benchEntities(b, string(text), variant, parser, warm) })
			}
		}
	}
}

func either(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

func benchEntities(b *testing.B, text, variant string, parser, warm bool) {
	restore, err := kernel.SetVariant(variant)
	if err != nil {
		b.Fatal(err)
	}
	defer restore()
	var opts Options
	if !parser {
		opts.Exclude = []string{"parser"}
	}
	if !warm {
		opts.CacheEntries = -1
	}
	p := openModel(b, opts)
	call := func() {
		if _, err := p.Entities(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	call()
	b.ReportAllocs()
	best := 1e9
	for b.Loop() {
		before := b.Elapsed()
		call()
		best = min(best, (b.Elapsed() - before).Seconds())
	}
	tokens := p.tokenizer.Tokenize(text, nil)
	b.ReportMetric(best*1e3, "best-ms")
	b.ReportMetric(float64(len(tokens))/best, "tokens/s")
	if gflops := peak.GFLOPS(); gflops > 0 {
		b.ReportMetric(100*2*p.multiplyAdds(text, tokens, warm)/best/1e9/gflops, "%peak")
	}
}

// multiplyAdds returns the number of multiply-add operations of the matrices for one
// text.
func (p *Pipeline) multiplyAdds(text string, tokens []Token, warm bool) float64 {
	n := p.ner.multiplyAdds(text, tokens, warm, 1)
	if p.parser != nil { // at least two moves a token: one pushes and one pops it
		n += p.parser.multiplyAdds(text, tokens, warm, 2)
	}
	return n
}

func (t *transition) multiplyAdds(text string, tokens []Token, warm bool, steps int) float64 {
	v := t.tok2vec
	types := map[string]bool{}
	for i := range tokens {
		key := ""
		for _, id := range v.appendKey(nil, text, &tokens[i]) {
			key += string([]byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24), byte(id >> 32), byte(id >> 40), byte(id >> 48), byte(id >> 56)})
		}
		types[key] = true
	}
	sum, n := 0, len(tokens)
	if !warm {
		sum += len(types) * v.mix.maxout.In() * v.width * v.mix.maxout.Pieces()
		if v.static != nil {
			sum += len(types) * v.width * v.static.vectors.dim
		}
	}
	for _, l := range v.encoder { // kernel.Conv computes six products for four rows
		sum += (n + 3) / 4 * 6 * v.width * v.width * l.conv.Pieces()
	}
	sum += n * (t.linear.In()*t.linear.Out() + t.lower.In()*t.lower.Out())
	sum += n * steps * len(t.classes) * t.hidden
	return float64(sum)
}
