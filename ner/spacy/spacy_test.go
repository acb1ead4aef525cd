package spacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// answer is a line of testdata/entities.jsonl: spaCy's answer for a text. Positions are
// in code points.
type answer struct {
	Text  string   `json:"text"`
	Sents []int    `json:"sents"` // where sentences start
	Ents  [][3]any `json:"ents"`  // start, end, label
	Alone [][3]any `json:"alone"` // the same without the parser

	// The same with a sentencizer instead of the parser:
	RuleSents []int    `json:"rule_sents"`
	RuleEnts  [][3]any `json:"rule_ents"`
}

func readAnswers(t testing.TB) []answer {
	t.Helper()
	b, err := os.ReadFile("testdata/entities.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []answer
	for line := range bytes.Lines(b) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// triples returns entities in the form of answer.
func triples(ents []ner.Entity) [][3]any {
	list := [][3]any{}
	for _, e := range ents {
		list = append(list, [3]any{float64(e.RuneStart), float64(e.RuneEnd), e.Label})
	}
	return list
}

// TestEntitiesGolden compares sentences and entities with spaCy's (testdata/entities.py),
// for every kernel variant.
func TestEntitiesGolden(t *testing.T) {
	for _, variant := range kernel.Variants() {
		restore, err := kernel.SetVariant(variant)
		if err != nil {
			t.Fatal(err)
		}
		full, alone := openModel(t, Options{}), openModel(t, Options{Exclude: []string{"parser"}})
		for _, want := range readAnswers(t) {
			doc, err := full.Analyze(t.Context(), want.Text, ner.Sents)
			if err != nil {
				t.Fatal(err)
			}
			if sents := sentStarts(doc); !slices.Equal(sents, want.Sents) {
				t.Errorf("%s: sentences of %q start at %v, spaCy's at %v", variant, want.Text, sents, want.Sents)
			}
			if diff := cmp.Diff(want.Ents, triples(doc.Ents)); diff != "" {
				t.Errorf("%s: %q (-spaCy +ours):\n%s", variant, want.Text, diff)
			}
			checkOffsets(t, want.Text, doc.Ents)
			checkSents(t, doc)
			ents, err := full.Entities(t.Context(), want.Text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Ents, triples(ents)); diff != "" {
				t.Errorf("%s, by Entities: %q (-spaCy +ours):\n%s", variant, want.Text, diff)
			}
			ents, err = alone.Entities(t.Context(), want.Text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Alone, triples(ents)); diff != "" {
				t.Errorf("%s, without parser: %q (-spaCy +ours):\n%s", variant, want.Text, diff)
			}
		}
		restore()
	}
}

// sentStarts returns where sentences start, in the form of answer.
func sentStarts(doc *ner.Doc) []int {
	starts := []int{}
	for _, s := range doc.Sents {
		starts = append(starts, doc.Tokens[s.Start].RuneStart)
	}
	return starts
}

// checkSents checks that every token of a Doc is in one sentence, and that the tokens of
// the entities have the entities' offsets.
func checkSents(t *testing.T, doc *ner.Doc) {
	t.Helper()
	at := 0
	for _, s := range doc.Sents {
		if s.Start != at || s.End <= at {
			t.Errorf("sentences %v overlap, have a gap, or are empty", doc.Sents)
		}
		at = s.End
	}
	if at != len(doc.Tokens) {
		t.Errorf("%d tokens, %d in sentences", len(doc.Tokens), at)
	}
	if len(doc.EntTokens) != len(doc.Ents) {
		t.Fatalf("%d entities, the tokens of %d", len(doc.Ents), len(doc.EntTokens))
	}
	for i, s := range doc.EntTokens {
		if e := doc.Ents[i]; doc.Tokens[s.Start].Start != e.Start || doc.Tokens[s.End-1].End != e.End {
			t.Errorf("%v has the tokens %v of %v", e, s, doc.Tokens)
		}
	}
}

func checkOffsets(t *testing.T, text string, ents []ner.Entity) {
	t.Helper()
	end := 0
	for _, e := range ents {
		if e.Start < end || e.Text != text[e.Start:e.End] || utf8.RuneCountInString(text[:e.Start]) != e.RuneStart || utf8.RuneCountInString(e.Text) != e.RuneEnd-e.RuneStart {
			t.Errorf("%q: offsets of %+v do not fit", text, e)
		}
		end = e.End
	}
}

// TestGoldensAreComplete checks that the golden texts have every label, texts whose
// entities the parser changes, and every length below 10 tokens.
func TestGoldensAreComplete(t *testing.T) {
	p := openModel(t, Options{})
	labels := map[any]bool{}
	differ, lengths := 0, map[int]bool{}
	for _, a := range readAnswers(t) {
		for _, e := range a.Ents {
			labels[e[2]] = true
		}
		if !cmp.Equal(a.Ents, a.Alone) {
			differ++
		}
		lengths[len(p.tokenizer.Tokenize(a.Text, nil))] = true
	}
	for _, l := range p.Labels() {
		if !labels[l] {
			t.Errorf("no golden has an entity %s", l)
		}
	}
	if differ < 5 {
		t.Errorf("the parser changes the entities of %d goldens, want at least 5", differ)
	}
	for n := range 10 {
		if !lengths[n] {
			t.Errorf("no golden has %d tokens", n)
		}
	}
}

func TestLabelsAndMeta(t *testing.T) {
	p := openModel(t, Options{})
	want := strings.Fields("ORG DATE PERSON GPE MONEY CARDINAL NORP PERCENT WORK_OF_ART LOC TIME QUANTITY FAC EVENT ORDINAL PRODUCT LAW LANGUAGE")
	if diff := cmp.Diff(want, p.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	m := p.Meta()
	if m.Lang != "en" || !strings.HasPrefix(m.Name, "core_web_sm") || m.Version != "3.8.0" || m.License != "MIT" {
		t.Errorf("meta = %+v", m)
	}
	p.Labels()[0] = "changed"
	if p.Labels()[0] != "ORG" {
		t.Error("Labels gives out its own slice")
	}
}

// TestAnswerDoesNotDependOnTheCache checks that the vectors are the same, to the bit,
// without a cache, with one that is too small, and with one that has all types of the
// text, whatever the order of the texts.
func TestAnswerDoesNotDependOnTheCache(t *testing.T) {
	answers := readAnswers(t)
	none := openModel(t, Options{CacheEntries: -1})
	for _, entries := range []int{1, 4096} {
		p := openModel(t, Options{CacheEntries: entries})
		for range 2 {
			for _, a := range answers {
				want := vectorsOf(none, a.Text)
				if got := vectorsOf(p, a.Text); !slices.Equal(got, want) {
					t.Fatalf("cache of %d: %q has other vectors than without", entries, a.Text)
				}
			}
			slices.Reverse(answers)
		}
	}
}

// vectorsOf returns the recognizer's token vectors of a text.
func vectorsOf(p *Pipeline, text string) []float32 {
	tokens := p.tokenizer.Tokenize(text, nil)
	if len(tokens) == 0 {
		return nil
	}
	return encoded(p.ner.tok2vec, &encoder{}, text, tokens[:min(len(tokens), encodeRows)])
}

// encoded returns the vectors of a text of one piece.
func encoded(t *tok2vec, e *encoder, text string, tokens []Token) []float32 {
	vectors, err := t.encode(context.Background(), e, text, tokens, 0, len(tokens))
	if err != nil {
		panic(err) // this context has no end
	}
	return slices.Clone(vectors)
}

// TestManyGoroutines uses one pipeline, with a cache that is too small for the texts,
// from several goroutines. Run it with -race.
func TestManyGoroutines(t *testing.T) {
	p := openModel(t, Options{CacheEntries: 64})
	answers := readAnswers(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range answers {
				a := answers[(i*(2*g+1)+g)%len(answers)]
				ents, err := p.Entities(context.Background(), a.Text)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(a.Ents, triples(ents)); diff != "" {
					t.Errorf("%q (-spaCy +ours):\n%s", a.Text, diff)
				}
			}
		})
	}
	wg.Wait()
}

// TestLongText checks that a text of many pieces, and of more pages than are kept, has
// the entities of its parts.
func TestLongText(t *testing.T) {
	p := openModel(t, Options{})
	const part = "Anna Lindqvist of Nordic Marine met Mr. Okoro in Oslo on 4 May 2019. They agreed.\n\n"
	analyze := func(parts int) *ner.Doc {
		doc, err := p.Analyze(t.Context(), strings.Repeat(part, parts), ner.Sents)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	inPart := func(d *ner.Doc, i int) (ents []ner.Entity) {
		for _, e := range d.Ents {
			if e.Start/len(part) == i {
				e.Start, e.RuneStart = e.Start-i*len(part), e.RuneStart-i*len(part)
				e.End, e.RuneEnd = e.End-i*len(part), e.RuneEnd-i*len(part)
				ents = append(ents, e)
			}
		}
		return ents
	}
	three := analyze(3) // a part may differ if it is the first or the last one of a text
	const n = 450
	doc := analyze(n)
	if len(doc.Tokens) < 10*encodeRows || len(doc.Tokens) < 20*maxPages*pageRows {
		t.Fatalf("%d tokens do not try the pieces and pages", len(doc.Tokens))
	}
	if len(doc.Sents) != n/3*len(three.Sents) {
		t.Errorf("%d sentences, want %d", len(doc.Sents), n/3*len(three.Sents))
	}
	for i := range n {
		want := inPart(three, min(i, 1)+max(0, i-n+2))
		if diff := cmp.Diff(want, inPart(doc, i)); diff != "" || len(want) < 4 {
			t.Fatalf("part %d of %d (-want +got):\n%s", i, n, diff)
		}
	}
}

// TestOneLongSentence has long texts of few or no sentences. Then no piece is dropped, and
// the stack has tokens of many pages.
func TestOneLongSentence(t *testing.T) {
	p := openModel(t, Options{})
	for _, text := range []string{strings.Repeat("( ", 5000), strings.Repeat("a ", 5000), strings.Repeat("Anna and ", 3000)} {
		doc, err := p.Analyze(t.Context(), text, ner.Sents)
		if err != nil {
			t.Fatal(err)
		}
		checkSents(t, doc)
		if len(doc.Tokens) < 5000 {
			t.Errorf("%.10q…: %d tokens", text, len(doc.Tokens))
		}
	}
}

func TestRefusedTexts(t *testing.T) {
	p := openModel(t, Options{})
	for _, c := range []struct {
		name, text, message string
	}{
		{"too long", strings.Repeat("ä", MaxLength+1), "text too long: 1000001 code points, the limit is 1000000: split it"},
		{"invalid byte", "Zürich \xff", "text is not valid UTF-8: byte 8 is 0xff"},
		{"half a rune", "Z\xc3", "text is not valid UTF-8: byte 1 is 0xc3"},
		{"surrogate", "\ufffd\xed\xa0\x80", "text is not valid UTF-8: byte 3 is 0xed"},
	} {
		_, err := p.Entities(t.Context(), c.text)
		if err == nil || err.Error() != c.message {
			t.Errorf("%s: Entities: %v, want %q", c.name, err, c.message)
		}
		if long := (*ner.TooLongError)(nil); errors.As(err, &long) == errors.Is(err, ErrNotUTF8) {
			t.Errorf("%s: %#v is not the error for it", c.name, err)
		}
		if _, again := p.Tokens(c.text); again == nil || again.Error() != c.message {
			t.Errorf("%s: Tokens: %v, want %q", c.name, again, c.message)
		}
		if _, again := p.Analyze(t.Context(), c.text, ner.Sents); again == nil || again.Error() != c.message {
			t.Errorf("%s: Analyze: %v, want %q", c.name, again, c.message)
		}
	}
	if _, err := p.Entities(t.Context(), strings.Repeat(" ", MaxLength)); err != nil {
		t.Errorf("a text of the largest length: %v", err)
	}
}

func TestContext(t *testing.T) {
	p := openModel(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Entities(ctx, "Tim Cook visited Paris."); !errors.Is(err, context.Canceled) {
		t.Errorf("Entities after cancel: %v", err)
	}
	// It also ends in the middle of a text. This context ends when its Err is called
	// for the third time.
	asked := &countingContext{Context: t.Context(), left: 2}
	if _, err := p.Entities(asked, strings.Repeat("Anna saw Otto. ", 2000)); !errors.Is(err, context.Canceled) {
		t.Errorf("Entities after cancel in the middle: %v", err)
	}
	if asked.left != -1 {
		t.Errorf("the context was asked %d times more than needed", -1-asked.left)
	}
	// What a cancelled call leaves in its work does not change the next answer.
	ents, err := p.Entities(t.Context(), "Tim Cook visited Paris.")
	if got := fmt.Sprint(triples(ents)); err != nil || got != "[[0 8 PERSON] [17 22 GPE]]" {
		t.Errorf("Entities after a cancelled call: %v, %v", got, err)
	}
}

// TestParserContext ends the context when all tokens of a long sentence are read, and the
// parser has as many moves to make.
func TestParserContext(t *testing.T) {
	p := openModel(t, Options{})
	text := strings.Repeat("Angela ", 2*askMoves)
	tokens := p.tokenizer.Tokenize(text, nil)
	f, _ := decoderBench(t, p.parser.transition, text, tokens)
	var w parse
	w.reset(len(tokens))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.parser.sentences(ctx, f, &w, len(tokens)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// countingContext is cancelled after left calls of its Err.
type countingContext struct {
	context.Context
	left int
}

func (c *countingContext) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestAllocations checks that a call allocates only its result. It uses its own work,
// because with the race detector a sync.Pool drops items at random.
func TestAllocations(t *testing.T) {
	const none = "It rained, and then it rained some more."
	paragraph, err := os.ReadFile("../../scripts/paragraph.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, exclude := range [][]string{nil, {"parser"}} {
		p := openModel(t, Options{Exclude: exclude})
		for text, want := range map[string]float64{none: 0, string(paragraph): 1} {
			w := &work{tokens: p.tokenizer.Tokenize(text, nil)}
			got := testing.AllocsPerRun(20, func() {
				p.start(w, text)
				if err := p.findEntities(context.Background(), w); err != nil {
					t.Fatal(err)
				}
				p.result(w, text)
			})
			if got != want {
				t.Errorf("%.20q…, without %v: %v allocations, want %v", text, exclude, got, want)
			}
		}
	}
}

// TestNewWordsTakeNoMemory checks that new words replace others in the cache. (spaCy
// keeps every word for ever.)
func TestNewWordsTakeNoMemory(t *testing.T) {
	p := openModel(t, Options{CacheEntries: 512})
	call := func(n int) {
		text := fmt.Sprintf("w%x x%dy z%o %dth a%xb %d-c", n, n, n, n, n*7919, n)
		if _, err := p.Entities(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 500 { // six words a text: they fill the cache several times
		call(n)
	}
	before := heapInUse()
	for n := range 2000 {
		call(1_000_000 + n)
	}
	// If they were kept, their vectors alone would take 4 MB.
	if grown := int64(heapInUse()) - int64(before); grown > 1<<19 {
		t.Errorf("the heap grew by %d bytes over 2000 texts of new words", grown)
	}
}

// TestParserRunsAsFarAsItMust checks that a text has the same entities as when the
// parser runs over all of it first. Some of the texts need no parser, some need it for a
// part, and for some the recognizer goes back. The sentences of the first tokens do not
// depend on how far the parser is asked to go.
func TestParserRunsAsFarAsItMust(t *testing.T) {
	p := openModel(t, Options{})
	texts := []string{
		"The club was founded in Vienna . 1 . 2 . 3 . 4 . 5 .", // without sentences «4 . 5» is an entity
		strings.Repeat("The club was founded in Vienna . 1 . 2 . 3 . 4 . 5 . ", 100),
		"Boeing Co. bought Acme Inc. of New York Ltd. and nobody asked any more why they did that or how",
		paragraph,
		strings.Repeat(paragraph+" ", 10),
	}
	for _, g := range readAnswers(t) {
		texts = append(texts, g.Text)
	}
	without, again, part, more := 0, 0, 0, 0
	for _, text := range texts {
		find := func(parse bool) *work {
			t.Helper()
			w := begun(t, p, text)
			if parse {
				if err := p.findSentences(t.Context(), w, len(w.tokens)); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.findEntities(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			return w
		}
		first, got := find(true), find(false)
		if !slices.Equal(got.entities, first.entities) {
			t.Errorf("%.200q: %v, and with the parser first %v", text, got.entities, first.entities)
		}
		if got.parse.known == 0 {
			without++
		}
		for _, sents := range []bool{false, true} {
			want := ner.Want(0)
			if sents {
				want = ner.Sents
			}
			doc, err := p.Analyze(t.Context(), text, want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(spans(first.parse.sentStarts), doc.Sents); sents && diff != "" {
				t.Errorf("%.200q: sentences (-parser +Analyze):\n%s", text, diff)
			}
			if diff := cmp.Diff(p.result(first, text), doc.Ents); diff != "" || !sents && doc.Sents != nil {
				t.Errorf("%.200q: Analyze with sents %v has %d sentences and the entities (-parser +Analyze):\n%s", text, sents, len(doc.Sents), diff)
			}
		}
		w := begun(t, p, text)
		blind, _, err := p.ner.entities(t.Context(), &w.recognizer, nil, nil, 0, len(w.tokens), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(blind, first.entities) {
			again++
		}
		for upTo := 0; upTo <= len(w.tokens); upTo += 1 + upTo/20 {
			if err := p.findSentences(t.Context(), w, upTo); err != nil {
				t.Fatal(err)
			}
			if known := w.parse.known; known < upTo || !slices.Equal(w.parse.sentStarts[:known], first.parse.sentStarts[:known]) {
				t.Errorf("%.200q: sentences of the first %d tokens, asked for %d, start at %v, of all at %v", text, known, upTo, w.parse.sentStarts, first.parse.sentStarts)
			}
			if upTo > 0 && w.parser.encoded < len(w.tokens) {
				part++
			}
			if w.parser.likely < min(w.parser.encoded, len(w.tokens)) {
				more++
			}
		}
	}
	if without < 20 || without > len(texts)-20 || again < 5 {
		t.Errorf("of %d texts %d did without the parser and %d took the recognizer again: want some of each", len(texts), without, again)
	}
	if part == 0 || more == 0 {
		t.Errorf("the network ran over a part %d times and over more than was expected %d times: want some of each", part, more)
	}
}

// begun returns what begin does.
func begun(t testing.TB, p *Pipeline, text string) *work {
	t.Helper()
	w, err := p.begin(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.putWork(w) })
	return w
}
