package prose

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jdkato/prose/v2"

	"github.com/narwhal-server/narwhal/ner"
)

func newRecognizer(t testing.TB) *Recognizer {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func texts(t testing.TB) []string {
	b, err := os.ReadFile("testdata/texts.txt")
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Split(strings.TrimSpace(string(b)), "\n"), string(b))
}

func TestEntities(t *testing.T) {
	r := newRecognizer(t)
	for _, test := range []struct {
		text string
		want []ner.Entity
	}{
		{"", nil},
		{" \n\t ", nil},
		{"there is nothing to see.", nil},
		{"Angela Merkel was born in Hamburg.", []ner.Entity{
			{Text: "Angela Merkel", Label: "PERSON", Start: 0, End: 13, RuneStart: 0, RuneEnd: 13},
			{Text: "Hamburg", Label: "GPE", Start: 26, End: 33, RuneStart: 26, RuneEnd: 33},
		}},
		// prose itself loses an entity at the end of the text.
		{"I live in Paris", []ner.Entity{
			{Text: "Paris", Label: "GPE", Start: 10, End: 15, RuneStart: 10, RuneEnd: 15},
		}},
		// Byte and rune offsets differ. The text of an entity keeps its white space.
		{"Café 😀 is in  New\nYork.", []ner.Entity{
			{Text: "New\nYork", Label: "GPE", Start: 18, End: 26, RuneStart: 14, RuneEnd: 22},
		}},
		// prose gets straight quotes of one byte instead of these, which have three.
		{"She said “Angela Merkel’s in Hamburg” and left.", []ner.Entity{
			{Text: "Angela Merkel", Label: "PERSON", Start: 12, End: 25, RuneStart: 10, RuneEnd: 23},
			{Text: "Hamburg”", Label: "GPE", Start: 33, End: 43, RuneStart: 29, RuneEnd: 37},
		}},
		{"He works for the Ministry of Defence in London.", []ner.Entity{
			{Text: "Ministry", Label: "ORG", Start: 17, End: 25, RuneStart: 17, RuneEnd: 25},
			{Text: "Defence", Label: "GPE", Start: 29, End: 36, RuneStart: 29, RuneEnd: 36},
			{Text: "London", Label: "GPE", Start: 40, End: 46, RuneStart: 40, RuneEnd: 46},
		}},
	} {
		got, err := r.Entities(t.Context(), test.text)
		if err != nil {
			t.Errorf("Entities(%q): %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Entities(%q), want - got +\n%s", test.text, diff)
		}
	}
}

// TestAnalyze checks the places of tokens, and which tokens an entity has. A text of
// several pieces has the tokens of all of them.
func TestAnalyze(t *testing.T) {
	r := newRecognizer(t)
	const text = "Zoë isn't in “New York” 😀."
	doc, err := r.Analyze(t.Context(), text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, tok := range doc.Tokens {
		words = append(words, text[tok.Start:tok.End])
	}
	if got, want := strings.Join(words, "|"), "Zoë|is|n't|in|“|New|York|”|😀|."; got != want {
		t.Errorf("tokens %s, want %s", got, want)
	}
	all := texts(t)
	for _, text := range append(all, text, strings.Repeat(all[len(all)-1]+" ", 3), "One "+strings.Repeat("x", 1000)+" in Paris", "") {
		doc, err := r.Analyze(t.Context(), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		end := 0
		for _, tok := range doc.Tokens {
			if tok.Start < end || tok.End <= tok.Start || utf8.RuneCountInString(text[:tok.Start]) != tok.RuneStart || utf8.RuneCountInString(text[:tok.End]) != tok.RuneEnd {
				t.Fatalf("%.60q: token %+v after byte %d", text, tok, end)
			}
			end = tok.End
		}
		if len(doc.EntTokens) != len(doc.Ents) {
			t.Fatalf("%.60q: %d entities, tokens of %d", text, len(doc.Ents), len(doc.EntTokens))
		}
		for i, s := range doc.EntTokens {
			if e := doc.Ents[i]; doc.Tokens[s.Start].Start != e.Start || doc.Tokens[s.End-1].End != e.End {
				t.Errorf("%.60q: %+v has the tokens %v", text, e, s)
			}
		}
	}
	if _, err := r.Analyze(t.Context(), text, ner.Sents); err == nil || err != r.Check(ner.Sents) {
		t.Errorf("sentences: %v, Check(Sents) says %v", err, r.Check(ner.Sents))
	}
}

// TestSameAsProse checks that a text of one piece gets the same tokens, labels and entities
// as from prose itself, if a full stop is added for prose. The parts of speech are copied
// from prose's result, because prose adds their weights in the order of a map: when two are
// equal, the result is random.
func TestSameAsProse(t *testing.T) {
	r := newRecognizer(t)
	whole := prose.ModelFromData("en")
	all := texts(t)
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields(all[len(all)-1])
	for range 10 { // random words, some of them many times
		var b strings.Builder
		for b.Len() < 3000 {
			b.WriteString(words[rng.IntN(1+rng.IntN(len(words)))] + " ")
		}
		all = append(all, b.String())
	}
	for _, text := range all {
		doc, err := prose.NewDocument(text+" .", prose.UsingModel(whole), prose.WithSegmentation(false))
		if err != nil {
			t.Fatal(err)
		}
		want := doc.Tokens()
		piece, _ := nextPiece(text, 0)
		tokens, first := locate(text, piece)
		tokens = append(tokens, token{text: sentinel})
		if len(tokens) != len(want) {
			t.Fatalf("%d tokens in %q, want %d", len(tokens), text, len(want))
		}
		for i := range tokens {
			tokens[i].tag = want[i].Tag
		}
		r.classify(tokens)
		tokens = tokens[:len(tokens)-1]
		share(tokens, piece, first)
		var got []prose.Token
		for _, tok := range tokens {
			got = append(got, prose.Token{Tag: tok.tag, Text: tok.text, Label: tok.label})
		}
		if diff := cmp.Diff(want[:len(tokens)], got); diff != "" {
			t.Fatalf("tokens of %q, prose - ours +\n%s", text, diff)
		}
		var wantEntities, gotEntities []string
		for _, e := range doc.Entities() {
			wantEntities = append(wantEntities, strings.Replace(e.Label, "ORGANIZATION", "ORG", 1)+" "+e.Text)
		}
		for _, c := range chunks(tokens) {
			words := c.label
			for _, token := range tokens[c.first : c.last+1] {
				words += " " + token.text
			}
			gotEntities = append(gotEntities, words)
		}
		if diff := cmp.Diff(wantEntities, gotEntities); diff != "" {
			t.Errorf("entities of %q, prose - ours +\n%s", text, diff)
		}
	}
}

// TestTextsThatPanicProse has texts on which prose panics. The entities in the rest of the
// text are found.
func TestTextsThatPanicProse(t *testing.T) {
	r := newRecognizer(t)
	for _, bad := range []string{"ȺȺȺ's house.", "ȾȾȾȾn't go.", "\xff\xff\xff\xff\xff's ok."} {
		if words := panics(bad); !words {
			t.Errorf("prose does not panic on %q any more", bad)
		}
		if words := split(strings.Fields(bad)[0]); words != nil {
			t.Errorf("split(%q) = %q, want none", bad, words)
		}
		text := bad + " Angela Merkel was born in Hamburg. " + bad
		got, err := r.Entities(t.Context(), text)
		if err != nil {
			t.Errorf("Entities(%q): %v", text, err)
		}
		checkEntities(t, text, got)
		names := ""
		for _, e := range got {
			names += e.Text + " " + e.Label + ";"
		}
		if !strings.Contains(names, "Merkel PERSON;") || !strings.Contains(names, "Hamburg GPE;") {
			t.Errorf("Entities(%q) = %s want Angela Merkel and Hamburg", text, names)
		}
	}
}

func panics(text string) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	prose.NewDocument(text, prose.UsingModel(unread), prose.WithSegmentation(false),
		prose.WithTagging(false), prose.WithExtraction(false))
	return false
}

// TestStopsWhenContextEnds checks that Entities also checks ctx between two pieces.
func TestStopsWhenContextEnds(t *testing.T) {
	r := newRecognizer(t)
	ctx := &endingContext{Context: t.Context(), looks: 2}
	text := strings.Repeat("Angela Merkel was born in Hamburg. ", 1000)
	if got, err := r.Entities(ctx, text); err != context.Canceled || got != nil {
		t.Errorf("Entities = %d entities, %v; want none, %v", len(got), err, context.Canceled)
	}
	if ctx.looks != -1 {
		t.Errorf("the context was looked at %d times after its end", -1-ctx.looks)
	}
}

// endingContext ends after looks calls of its Err.
type endingContext struct {
	context.Context
	looks int
}

func (c *endingContext) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestSharedByGoroutines(t *testing.T) {
	r := newRecognizer(t)
	all := texts(t)
	text := all[len(all)-1]
	want, err := r.Entities(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			other := newRecognizer(t)
			if other != r {
				t.Error("a second New loaded a second model")
			}
			got, err := other.Entities(t.Context(), text)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Entities beside others: %v, alone - beside +\n%s", err, diff)
			}
		})
	}
	wg.Wait()
}

// checkEntities checks what ner.Recognizer promises for any text.
func checkEntities(t *testing.T, text string, entities []ner.Entity) {
	t.Helper()
	at := 0
	for _, e := range entities {
		if e.Start < at || e.End <= e.Start || e.End > len(text) {
			t.Fatalf("in %q: %+v after byte %d of %d", text, e, at, len(text))
		}
		if e.Text != text[e.Start:e.End] || e.Label == "" {
			t.Fatalf("in %q: %+v, but the text there is %q", text, e, text[e.Start:e.End])
		}
		if utf8.ValidString(text) && !utf8.ValidString(e.Text) {
			t.Fatalf("in %q: %+v cuts a character", text, e)
		}
		if n, m := utf8.RuneCountInString(text[:e.Start]), utf8.RuneCountInString(text[:e.End]); e.RuneStart != n || e.RuneEnd != m {
			t.Fatalf("in %q: %+v, want code points %d to %d", text, e, n, m)
		}
		at = e.End
	}
}

func FuzzEntities(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	for _, s := range []string{
		"ȺȺȺ's house.", "ȾȾȾȾn't go.", "\xff\xff\xff\xff\xff's ok.", "KKK's İİ's “ẞ’s” &rsquo;n't it'sx, ('s)",
		strings.Repeat(".", 300), strings.Repeat("(", 256), "\x00\x01\u2028\u00a0", ":( (¬_¬) O_o $100 [a] U.S.A. Mr.",
	} {
		f.Add(s)
		f.Add("Angela Merkel " + s + " was born in Hamburg")
	}
	r := newRecognizer(f)
	f.Fuzz(func(t *testing.T, text string) {
		entities, err := r.Entities(t.Context(), text)
		if err != nil {
			t.Fatalf("Entities(%q): %v", text, err)
		}
		checkEntities(t, text, entities)
	})
}

func BenchmarkEntities(b *testing.B) {
	r := newRecognizer(b)
	whole := prose.ModelFromData("en")
	all := texts(b)
	text := all[len(all)-1]
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := r.Entities(b.Context(), text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("prose", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := prose.NewDocument(text, prose.UsingModel(whole), prose.WithSegmentation(false)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestLabels(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"FACILITY", "GPE", "GSP", "LOCATION", "ORG", "PERSON"}
	if got := r.Labels(); !slices.Equal(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}
