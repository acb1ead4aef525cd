package tokenizer

import (
	_ "embed"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// paragraph is news-like text of 206 tokens.
//
//go:embed testdata/paragraph.txt
var paragraph string

// BenchmarkTokenize tokenizes texts and reports the time per token and per byte.
func BenchmarkTokenize(b *testing.B) {
	benchmarkTokenize(b, "paragraph", paragraph)

	// Every word is new, so a cache of words could not help.
	rng := rand.New(rand.NewPCG(1, 2))
	var words strings.Builder
	for range 10_000 {
		for range 2 + rng.IntN(9) {
			words.WriteByte('a' + byte(rng.IntN(26)))
		}
		words.WriteByte(' ')
	}
	benchmarkTokenize(b, "new words", words.String())
}

// BenchmarkTokenizeMegabyte compares a megabyte of unusual texts with a megabyte of news.
// They should take about the same time.
func BenchmarkTokenizeMegabyte(b *testing.B) {
	for _, unit := range []struct{ name, text string }{
		{"news", paragraph + " "},
		{"one word", "a"},
		{"letters and spaces", "a "},
		{"dots", "."},
		{"dots and commas", ".,"},
		{"dotted", "a."},
		{"quotes", `"`},
		{"hyphens", "a-"},
		{"dashes", "-"},
		{"at signs", "a@b."},
		{"spaces", " "},
		{"NUL", "\x00"},
		{"digits", "7"},
		{"brackets", "(1km)"},
		{"emoticons", ":) "},
		{"crossed emoticons", ":(:)"},
		{"contractions", "don't "},
		{"emoji", "😀"},
		{"CJK", "漢字。"},
		{"cyrillic", "Слово и дело, "},
		{"sigmas", "Σ'"},
		{"hashes", "#"},
		{"dollars", "$"},
		{"percents", "7% "},
		{"apostrophes", "'"},
		{"apostrophes and letters", "'a "},
		{"dashes and apostrophes", "——'"},
		{"CJK and dashes", "烬–"},
		{"CJK brackets", "」]"},
		{"emoji and spaces", "😀 "},
		{"letters and wide spaces", "é\u3000"},
	} {
		benchmarkTokenize(b, unit.name, strings.Repeat(unit.text, 1_000_000/len(unit.text)+1))
	}
}

func benchmarkTokenize(b *testing.B, name, text string) {
	b.Run(name, func(b *testing.B) {
		tk := testTokenizer(b)
		tokens := tk.Tokenize(text, nil)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			tokens = tk.Tokenize(text, tokens[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tokens)), "ns/token")
	})
}

// BenchmarkAttributes measures the ids NORM, PREFIX, SUFFIX and SHAPE of the
// tokens of the paragraph that the load clients send.
func BenchmarkAttributes(b *testing.B) {
	data, err := os.ReadFile("../../../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	text, tk := string(data), testTokenizer(b)
	tokens := tk.Tokenize(text, nil)
	var buf lexBuffers
	for b.Loop() {
		for i := range tokens {
			t := tokens[i]
			tk.lexicon.lookup(&t, text[t.Start:t.End], &buf)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tokens)), "ns/token")
}

// BenchmarkTokenizeParallel uses one tokenizer on all cores at once. The goroutines must
// not wait for each other.
func BenchmarkTokenizeParallel(b *testing.B) {
	tk := testTokenizer(b)
	b.RunParallel(func(pb *testing.PB) {
		var tokens []Token
		for pb.Next() {
			tokens = tk.Tokenize(paragraph, tokens[:0])
		}
	})
}

func BenchmarkNewTokenizer(b *testing.B) {
	rules, lookups := readModelFile(b, "tokenizer"), readModelFile(b, "vocab/lookups.bin")
	for b.Loop() {
		if _, err := New(rules, lookups); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompiled compares English's patterns, compiled, with the matchers that are
// written by hand.
func BenchmarkCompiled(b *testing.B) {
	f, err := readTokenizerFile(readModelFile(b, "tokenizer"))
	if err != nil {
		b.Fatal(err)
	}
	regexps, err := buildCompiled(f, testCompiled(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		tk   *Tokenizer
	}{{"by hand", testTokenizer(b)}, {"compiled", regexps}} {
		b.Run(bench.name, func(b *testing.B) {
			tokens := bench.tk.Tokenize(paragraph, nil)
			b.SetBytes(int64(len(paragraph)))
			for b.Loop() {
				tokens = bench.tk.Tokenize(paragraph, tokens[:0])
			}
		})
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if _, err := compile(f); err != nil {
				b.Fatal(err)
			}
		}
	})
}
