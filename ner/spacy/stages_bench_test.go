package spacy

import (
	"os"
	"testing"
)

// The benchmarks of this file measure the steps of a call one by one, on the paragraph
// that the load clients send, with the best kernel variant:
//
//	Tok2vec   the vectors of the tokens, of the parser's and of the recognizer's network
//	Parser    the parser's moves from its vectors, with its lower and upper layers
//	Decoder   the recognizer's moves from its vectors, with its lower and upper layers
//
// BenchmarkEntities measures the whole call. Package tokenizer has its own benchmarks.

func benchText(b *testing.B) string {
	text, err := os.ReadFile("../../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func BenchmarkTok2vec(b *testing.B) {
	for _, warm := range []bool{false, true} {
		var opts Options
		if !warm {
			opts.CacheEntries = -1
		}
		p := openModel(b, opts)
		text := benchText(b)
		tokens := p.tokenizer.Tokenize(text, nil)
		for _, c := range []struct {
			name string
			*transition
		}{{"parser", p.parser.transition}, {"ner", p.ner.transition}} {
			b.Run(c.name+"/"+either(warm, "warm", "cold"), func(b *testing.B) {
				var e encoder
				for b.Loop() {
					e.ready = nil
					if _, err := c.tok2vec.encode(b.Context(), &e, text, tokens, 0, len(tokens)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// decoderBench returns the features of an encoded text. again forgets the pages, so that
// a decoder computes its lower layer again.
func decoderBench(b testing.TB, t *transition, text string, tokens []Token) (f *features, again func()) {
	f = &features{}
	f.start(t, &encoder{}, text, tokens)
	if err := f.reach(b.Context(), len(tokens)-1, 0); err != nil {
		b.Fatal(err)
	}
	return f, func() {
		f.pages = f.pages[:0]
		for i := range f.pageOf {
			f.pageOf[i] = -1
		}
	}
}

func BenchmarkParser(b *testing.B) {
	p, text := openModel(b, Options{}), benchText(b)
	tokens := p.tokenizer.Tokenize(text, nil)
	f, again := decoderBench(b, p.parser.transition, text, tokens)
	var w parse
	for b.Loop() {
		again()
		w.reset(len(tokens))
		if err := p.parser.sentences(b.Context(), f, &w, len(tokens)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	p, text := openModel(b, Options{}), benchText(b)
	tokens := p.tokenizer.Tokenize(text, nil)
	w := begun(b, p, text)
	if err := p.findSentences(b.Context(), w, len(tokens)); err != nil {
		b.Fatal(err)
	}
	f, again := decoderBench(b, p.ner.transition, text, tokens)
	var found []entity
	for b.Loop() {
		again()
		var err error
		if found, _, err = p.ner.entities(b.Context(), f, w.parse.sentStarts, nil, 0, len(tokens), found[:0]); err != nil {
			b.Fatal(err)
		}
	}
	if len(found) == 0 {
		b.Error("no entities")
	}
}
