package spacy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// withSentencizer opens the pipeline in modelDir with a sentencizer instead of its parser.
// order is the order of the two components that matter.
func withSentencizer(t *testing.T, order string) *Pipeline {
	t.Helper()
	rules, err := os.ReadFile("testdata/sentencizer.json")
	if err != nil {
		t.Fatal(err)
	}
	config := "[nlp]\nlang = \"en\"\npipeline = " + order + "\n[components.rules]\nfactory = \"sentencizer\"\n[components.ner]\nfactory = \"ner\"\n"
	p, err := OpenFiles(func(name string) ([]byte, error) {
		switch name {
		case "config.cfg":
			return []byte(config), nil
		case "rules.json":
			return rules, nil
		}
		return readModelFile(t, name), nil
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSentencizerGolden compares sentences and entities with those of spaCy with a
// sentencizer. After the recognizer it changes no entity.
func TestSentencizerGolden(t *testing.T) {
	before, after := withSentencizer(t, `["rules","ner"]`), withSentencizer(t, `["ner","rules"]`)
	limited := 0
	for _, want := range readAnswers(t) {
		if !cmp.Equal(want.RuleEnts, want.Alone) {
			limited++
		}
		for p, ents := range map[*Pipeline][][3]any{before: want.RuleEnts, after: want.Alone} {
			doc, err := p.Analyze(t.Context(), want.Text, ner.Sents)
			if err != nil {
				t.Fatal(err)
			}
			checkSents(t, doc)
			if sents := sentStarts(doc); !slices.Equal(sents, want.RuleSents) {
				t.Errorf("sentences of %q start at %v, spaCy's at %v", want.Text, sents, want.RuleSents)
			}
			if diff := cmp.Diff(ents, triples(doc.Ents)); diff != "" {
				t.Errorf("%q (-spaCy +ours):\n%s", want.Text, diff)
			}
			found, err := p.Entities(t.Context(), want.Text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ents, triples(found)); diff != "" {
				t.Errorf("by Entities: %q (-spaCy +ours):\n%s", want.Text, diff)
			}
		}
	}
	if limited < 5 {
		t.Errorf("the sentencizer changes the entities of %d goldens, want at least 5", limited)
	}
}

// TestSentencizer has punct_chars that are longer than a character, or no punctuation.
func TestSentencizer(t *testing.T) {
	p := openModel(t, Options{})
	z, err := newSentencizer([]byte(`{"punct_chars":[".","...","and"],"overwrite":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                          "[]",
		".":                         "[.]",
		"One . Two .":               "[One .|Two .]",
		"One . \" ) Two ... and x":  "[One . \" )|Two ... and|x]",
		"You and me ! Who ? and he": "[You and|me ! Who ? and|he]",
		". . One .. Two":            "[. .|One .. Two]",
		"One .\n\nTwo":              "[One .|\n\n Two]",
	} {
		tokens := p.tokenizer.Tokenize(text, nil)
		var s sentences
		s.reset(len(tokens))
		z.sentences(text, tokens, &s)
		var found []string
		for _, span := range spans(s.sentStarts) {
			var words []string
			for _, t := range tokens[span.Start:span.End] {
				words = append(words, text[t.Start:t.End])
			}
			found = append(found, strings.Join(words, " "))
		}
		if got := "[" + strings.Join(found, "|") + "]"; got != want || s.known != len(tokens) {
			t.Errorf("%q: %q, want %q; %d of %d tokens are known", text, got, want, s.known, len(tokens))
		}
	}
}

// TestSenter compares a senter's decisions with a slow computation in float64.
func TestSenter(t *testing.T) {
	text := strings.Repeat("In Paris the number of a mark was 12, and  they\nsaid \"Tim Cook isn't a mark\". ", 40)
	for _, listen := range []bool{false, true} {
		for _, variant := range kernel.Variants() {
			restore, err := kernel.SetVariant(variant)
			if err != nil {
				t.Fatal(err)
			}
			s := small
			s.senter, s.listen = true, listen
			files := s.files(t, 3)
			p, err := openFiles(files, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if shared := p.senter.tok2vec == p.ner.tok2vec; shared != listen || len(p.networks()) != map[bool]int{false: 2, true: 1}[listen] {
				t.Errorf("listen %v: the senter shares the recognizer's network: %v, of %d", listen, shared, len(p.networks()))
			}
			doc, err := p.Analyze(t.Context(), text, ner.Sents)
			if err != nil {
				t.Fatal(err)
			}
			checkSents(t, doc)
			file := "senter/model"
			if listen {
				file = "tok2vec/model"
			}
			network, err := parseModel(files[file])
			if err != nil {
				t.Fatal(err)
			}
			layers, err := parseModel(files["senter/model"])
			if err != nil {
				t.Fatal(err)
			}
			tokens := p.tokenizer.Tokenize(text, nil)
			if len(tokens) <= encodeRows {
				t.Fatalf("%d tokens are one piece", len(tokens))
			}
			softmax := reference{layers: layers}.find("softmax", 0)
			var want []int
			starts := map[int]bool{}
			for _, s := range doc.Sents {
				starts[s.Start] = true
			}
			for i, v := range (reference{layers: network}).tok2vec(t, files, text, tokens) {
				scores := maxPieces(softmax.values("W"), softmax.values("b"), v, 2)
				start := scores[1] > scores[0] || i == 0
				if start {
					want = append(want, i)
				}
				if start != starts[i] && math.Abs(scores[1]-scores[0]) > 1e-3 {
					t.Errorf("%s, listen %v: a sentence starts at token %d: %v, want %v (scores %v)", variant, listen, i, starts[i], start, scores)
				}
			}
			if len(want) < 10 || len(want) > len(tokens)-10 {
				t.Errorf("%d of %d tokens start a sentence: the weights try nothing", len(want), len(tokens))
			}
			restore()
		}
	}
}

// TestSenterLimitsEntities checks that the senter, which runs as far as it must, changes
// entities as if it ran first. Close decisions, memory that was moved, and a shared cache
// change nothing.
func TestSenterLimitsEntities(t *testing.T) {
	text := strings.Repeat("Tim Cook isn't in Paris, he (or she?) is in the U.S. with 12 others: don't. ", 25)
	changed := 0
	for seed := range uint64(40) {
		s := small
		s.senter = true
		files := s.files(t, seed)
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		alone, err := openFiles(files, Options{Exclude: []string{"senter"}})
		if err != nil {
			t.Fatal(err)
		}
		find := func(p *Pipeline, first bool) (*work, string) {
			t.Helper()
			w := begun(t, p, text)
			if first {
				if err := p.findSentences(t.Context(), w, len(w.tokens)); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.findEntities(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			return w, fmt.Sprint(w.entities)
		}
		first, want := find(p, true)
		if _, got := find(p, false); got != want {
			t.Errorf("weights %d: entities %s, and with the senter first %s", seed, got, want)
		}
		if _, free := find(alone, false); free != want {
			changed++
		}
		p.senter.closest = 100
		if w, got := find(p, true); got != want || !slices.Equal(w.parse.sentStarts, first.parse.sentStarts) {
			t.Errorf("weights %d: with long sums entities %s, want %s", seed, got, want)
		}
		p.senter.closest = closeMargin
		moved := 0
		p.Move(func(w []float32) []float32 {
			moved++
			return slices.Clone(w)
		})
		// A piece for each packed matrix: linear and lower of the recognizer, linear of the
		// senter, and of each network mix and encoder.
		if want := 3 + 2*(1+s.depth); moved < want {
			t.Errorf("%d pieces were moved, want at least %d", moved, want)
		}
		if _, got := find(p, true); got != want {
			t.Errorf("weights %d: after Move entities %s, want %s", seed, got, want)
		}
	}
	if changed < 3 {
		t.Errorf("%d of 40 senters changed entities, want some", changed)
	}
}

// TestSenterContext ends the context in the middle of a text.
func TestSenterContext(t *testing.T) {
	s := small
	s.senter = true
	p, err := openFiles(s.files(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := &countingContext{Context: t.Context(), left: 1}
	if _, err := p.Analyze(ctx, strings.Repeat("a ", 5*encodeRows), ner.Sents); !errors.Is(err, context.Canceled) || ctx.left != -1 {
		t.Errorf("%v after %d calls too many", err, -1-ctx.left)
	}
}

// TestNoSents checks what is said of a pipeline that finds no sentences.
func TestNoSents(t *testing.T) {
	s := small
	s.parser = true
	files := s.files(t, 1)
	addComponent(t, files, "off", "senter", "")
	edit(t, files, "config.cfg", "disabled = []", `disabled = ["off"]`)
	for _, c := range []struct {
		files   map[string][]byte
		exclude []string
		want    string
	}{
		{files, nil, ""},
		{files, []string{"parser"}, `the pipeline finds no sentences: "parser" is excluded, "off" is disabled in config.cfg`},
		{small.files(t, 1), nil, "the pipeline finds no sentences: it has no parser, senter or sentencizer"},
	} {
		p, err := openFiles(c.files, Options{Exclude: c.exclude})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := p.Check(ner.Sents); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("without %v: %q, want %q", c.exclude, got, c.want)
		}
	}
}
