package spacy

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// paragraph is news-like text of 206 tokens.
const paragraph = `On Tuesday the harbour board of Port Ellery said that Anna Lindqvist, who ran the ferry line between Port Ellery and Saltmarsh for eleven years, will leave at the end of March 2024. "We didn't see it coming," said the mayor, Tomas O'Brien, in a short call from Lisbon. The line carried 1,204,000 passengers last year, 12% more than in 2022, and earned $48.5 million. Its three ships are built by Nordic Hull Works in Gdansk, Poland; a fourth, the Queen Sofia, was ordered in June for about €61 million and won't sail before 2026. Mrs. Lindqvist told the Ellery Courier that she would "rest, read and fish." The board, which met at 9:30 a.m. in the old customs house on Bell Street, hasn't named anyone yet. Two names are heard in town: Pavel Horak, who leads the company's workshop, and Dr. Mina Takahashi of the University of Bergen, an expert on low-emission engines. Shares of Ellery Lines fell 3.4% to 17.20 on the Oslo exchange.`

// Each benchmark tokenizes a text and reports the time per token and per byte.
func BenchmarkTokenize(b *testing.B) {
	benchmarkTokenize(b, "paragraph", paragraph)

	// What no cache could help with: every word is new.
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

// A megabyte of anything should cost about what a megabyte of news costs.
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
		tokens := tk.tokenize(text, nil)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			tokens = tk.tokenize(text, tokens[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tokens)), "ns/token")
	})
}

// All cores at once: the tokenizer must not make them wait for each other.
func BenchmarkTokenizeParallel(b *testing.B) {
	tk := testTokenizer(b)
	b.RunParallel(func(pb *testing.PB) {
		var tokens []Token
		for pb.Next() {
			tokens = tk.tokenize(paragraph, tokens[:0])
		}
	})
}

func BenchmarkNewTokenizer(b *testing.B) {
	rules, lookups := readModelFile(b, "tokenizer"), readModelFile(b, "vocab/lookups.bin")
	for b.Loop() {
		if _, err := newTokenizer(rules, lookups); err != nil {
			b.Fatal(err)
		}
	}
}
