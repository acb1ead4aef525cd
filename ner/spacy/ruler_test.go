package spacy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// TestPresetAgainstPlainTable compares the recognizer with spaCy's table of valid moves in
// texts in which a ruler has found entities before.
func TestPresetAgainstPlainTable(t *testing.T) {
	const text = "Tim Cook isn't  in\nParis, he (or she?) is \t in the U.S. with 12 others:  don't go there. "
	found, kept := 0, 0
	for seed := range uint64(40) {
		s := small
		s.labels = []string{"A", "B", "C"}[:1+seed%3]
		p, err := openFiles(s.files(t, seed), Options{})
		if err != nil {
			t.Fatal(err)
		}
		tokens := p.tokenizer.Tokenize(text, nil)
		r := rand.New(rand.NewPCG(seed, 2))
		starts := make([]bool, len(tokens))
		for i := range starts {
			starts[i] = r.IntN(6) == 0
		}
		var preset []matcher.Ent
		for i := r.IntN(5); i < len(tokens); i += r.IntN(5) {
			end := min(len(tokens), i+1+r.IntN(3))
			preset = append(preset, matcher.Ent{Start: i, End: end, Label: []string{"A", "B", "C", "NEW"}[r.IntN(4)]})
			i = end
		}
		var f features
		f.start(p.ner.transition, &encoder{}, text, tokens)
		var got []string
		for at := 0; at < len(tokens); {
			var ents []entity
			if ents, at, err = p.ner.entities(t.Context(), &f, starts, preset, at, at+1+r.IntN(6), nil); err != nil {
				t.Fatal(err)
			}
			for _, e := range ents {
				label := ""
				if e.class < 0 {
					label = preset[^e.class].Label
					kept++
				} else {
					label = p.ner.classes[e.class].label
					found++
				}
				got = append(got, fmt.Sprint(e.first, e.end, label))
			}
		}
		f.start(p.ner.transition, &encoder{}, text, tokens)
		if want := presetEntities(t, p.ner, &f, starts, preset); !slices.Equal(got, want) {
			t.Errorf("weights %d, preset %v:\n got %q\nwant %q", seed, preset, got, want)
		}
	}
	if found < 100 || kept < 100 {
		t.Errorf("%d entities of the recognizer, %d of the ruler: the test tries too little", found, kept)
	}
}

// presetEntities decodes as spaCy does if entities are preset: over all classes, and those
// of the labels that the model does not know, whose scores are the lowest one.
func presetEntities(t *testing.T, m *entityModel, f *features, starts []bool, preset []matcher.Ent) (out []string) {
	t.Helper()
	classes := slices.Clone(m.classes)
	iob, labels := make([]byte, len(f.tokens)+1), make([]string, len(f.tokens)+1)
	for i := range f.tokens {
		iob[i] = 'O' // a ruler has looked at all tokens
	}
	for _, e := range preset {
		for i := e.Start; i < e.End; i++ {
			iob[i], labels[i] = 'I', e.Label
		}
		iob[e.Start] = 'B'
		for _, move := range []int{moveBegin, moveIn, moveLast, moveUnit} {
			if c := (class{move, e.Label}); !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
	}
	first, label := -1, ""
	for i := range f.tokens {
		if err := f.reach(t.Context(), i, 0); err != nil {
			t.Fatal(err)
		}
		f.set(0, i)
		f.set(1, first)
		f.set(2, -1)
		if first >= 0 {
			f.set(2, i-1)
		}
		scores := slices.Clone(f.score())
		for len(scores) < len(classes) {
			scores = append(scores, slices.Min(scores))
		}
		rest, open := len(f.tokens)-i, first >= 0
		p, q, pl := iob[i], iob[i+1], labels[i]
		crosses := rest > 1 && starts[i+1]
		best := -1
		for c, k := range classes {
			valid := false
			switch k.move {
			case moveBegin:
				switch {
				case open, rest < 2, k.label == "", p == 'I':
				case p == 'B':
					valid = k.label == pl && q == 'I'
				default:
					valid = q != 'B' && !crosses && !f.tokens[i].IsSpace
				}
			case moveIn:
				switch {
				case !open, rest < 2, k.label == "", label != k.label, p == 'B', q == 'B':
				case p == 'I':
					valid = q != 0 && q != 'O' && k.label == pl
				default:
					valid = !crosses
				}
			case moveLast:
				switch {
				case k.label == "", !open:
				case p == 'I' && q != 'I':
					valid = k.label == pl
				default:
					valid = label == k.label && q != 'I'
				}
			case moveUnit:
				switch {
				case k.label == "", open, q == 'I':
				case p == 'B':
					valid = k.label == pl
				default:
					valid = !f.tokens[i].IsSpace
				}
			case moveOut:
				valid = !open && p != 'B' && p != 'I'
			}
			if valid && (best < 0 || scores[c] > scores[best]) {
				best = c
			}
		}
		if best < 0 {
			t.Fatalf("token %d: no move is valid", i)
		}
		switch k := classes[best]; k.move {
		case moveBegin:
			first, label = i, k.label
		case moveLast:
			out = append(out, fmt.Sprint(first, i+1, label))
			first = -1
		case moveUnit:
			out = append(out, fmt.Sprint(i, i+1, k.label))
		}
	}
	return out
}

// rules opens a pipeline with a ruler and returns the entities of a text that have one of
// the rules' labels or an id: text/label/id.
func rules(t *testing.T, factory, settings string, before bool, text string, more ...string) string {
	t.Helper()
	files := small.files(t, 1)
	if before {
		addComponent(t, files, "ruler", factory, settings)
	} else {
		addComponentLast(t, files, "ruler", factory)
		files["config.cfg"] = append(files["config.cfg"], settings+"\n"...)
	}
	addFiles(files, more)
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ents, err := p.Entities(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := p.Analyze(t.Context(), text, 0)
	if err != nil || !slices.Equal(doc.Ents, ents) || len(doc.EntTokens) != len(ents) {
		t.Errorf("Analyze finds %v with the tokens %v (%v), Entities %v", doc.Ents, doc.EntTokens, err, ents)
	}
	var got []string
	for i, e := range ents {
		if text[e.Start:e.End] != e.Text || doc.Tokens[doc.EntTokens[i].Start].Start != e.Start || doc.Tokens[doc.EntTokens[i].End-1].End != e.End {
			t.Errorf("%+v has the tokens %v", e, doc.EntTokens[i])
		}
		if !slices.Contains(small.labels, e.Label) {
			if !slices.Contains(p.Labels(), e.Label) {
				t.Errorf("Labels %v do not have %s", p.Labels(), e.Label)
			}
			got = append(got, e.Text+"/"+e.Label+"/"+e.ID)
		}
	}
	return strings.Join(got, " ")
}

func TestRulers(t *testing.T) {
	const text = "Acme Corp sells foo bar to acme in Paris."
	const patterns = `{"label":"X","pattern":"Acme Corp","id":"acme"}
{"label":"Y","pattern":"Corp sells foo"}
{"label":"Z","pattern":[{"LOWER":"bar"},{},{"LOWER":"acme"}]}
{"label":"W","pattern":[{"LOWER":"paris"}],"id":"p"}
`
	for _, test := range []struct {
		name, factory, settings string
		before                  bool
		files                   []string
		want                    string
	}{
		{"before the recognizer", "entity_ruler", "", true, []string{"ruler/cfg", "{}", "ruler/patterns.jsonl", patterns},
			"Corp sells foo/Y/ bar to acme/Z/ Paris/W/p"},
		{"after it, and its entities make room", "entity_ruler", "", false, []string{"ruler/cfg", `{"overwrite":true}`, "ruler/patterns.jsonl", patterns},
			"Corp sells foo/Y/ bar to acme/Z/ Paris/W/p"},
		{"the file of an older spaCy, and settings of the config", "entity_ruler", "overwrite_ents = true\nphrase_matcher_attr = \"LOWER\"", false,
			[]string{"ruler.jsonl", `{"label":"X","pattern":"ACME","id":"acme"}`}, "Acme/X/acme acme/X/acme"},
		{"an attribute by its number", "entity_ruler", "", true, []string{"ruler/cfg", `{"phrase_matcher_attr":66}`, "ruler/patterns.jsonl", `{"label":"X","pattern":"ACME"}`},
			"Acme/X/ acme/X/"},
		{"span_ruler", "span_ruler", "annotate_ents = true", false, []string{"ruler/patterns", patterns}, "Corp sells foo/Y/ bar to acme/Z/ Paris/W/p"},
		{"future_entity_ruler", "future_entity_ruler", "overwrite_ents = true", false, []string{"ruler/patterns", patterns}, "Corp sells foo/Y/ bar to acme/Z/ Paris/W/p"},
		{"a label with an id of another rule", "entity_ruler", "", true, []string{"ruler/cfg", `{"ent_id_sep":"-"}`, "ruler/patterns.jsonl",
			`{"label":"X","pattern":"foo","id":"1"}` + "\n" + `{"label":"X-1","pattern":"bar"}`}, "foo/X/1 bar/X/1"},
		{"an empty label is no entity", "entity_ruler", "", true, []string{"ruler/cfg", "{}", "ruler/patterns.jsonl",
			`{"label":"","pattern":"foo bar"}` + "\n" + `{"label":"X","pattern":"foo"}`}, ""},
		{"no rules", "entity_ruler", "", true, []string{"ruler/cfg", "{}", "ruler/patterns.jsonl", ""}, ""},
	} {
		if got := rules(t, test.factory, test.settings, test.before, text, test.files...); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestRulersInTurn has an id that a later entity inherits: spaCy does not remove the id of
// a token when another entity takes the token.
func TestRulersInTurn(t *testing.T) {
	files := small.files(t, 1)
	addComponent(t, files, "one", "entity_ruler", "")
	addComponent(t, files, "two", "entity_ruler", "")
	addFiles(files, []string{
		"one/cfg", "{}", "one/patterns.jsonl", `{"label":"X","pattern":"foo bar","id":"a"}`,
		"two/cfg", `{"overwrite":true}`, "two/patterns.jsonl", `{"label":"Y","pattern":[{"ENT_TYPE":"X","ENT_IOB":"I"},{"LOWER":"baz"}]}`,
	})
	// addComponent puts a component before ner, so the order is one, two.
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ents, err := p.Entities(t.Context(), "foo bar baz")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(ents, func(e ner.Entity) bool { return e.Label == "Y" })
	if i < 0 || ents[i].Text != "bar baz" || ents[i].ID != "a" {
		t.Errorf("entities are %+v, want \"bar baz\" with the label Y and the id a", ents)
	}
}

// TestTooManyMatches has a rule that matches every part of a text.
func TestTooManyMatches(t *testing.T) {
	files := small.files(t, 1)
	addComponent(t, files, "ruler", "entity_ruler", "")
	files["ruler.jsonl"] = []byte(`{"label":"X","pattern":[{"OP":"+"}]}`)
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Entities(t.Context(), strings.Repeat("a ", 10_000)); err == nil || !strings.Contains(err.Error(), `component "ruler": the patterns match too much`) {
		t.Errorf("10,000 tokens: %v", err)
	}
	if ents, err := p.Entities(t.Context(), "a b"); err != nil || len(ents) != 1 || ents[0].Text != "a b" {
		t.Errorf("a text after that: %v, %v", ents, err)
	}
}

// TestRulersAlone has pipelines without a recognizer. What finds sentences neither helps nor
// hinders the rules.
func TestRulersAlone(t *testing.T) {
	const text = "Acme Corp sells foo to acme. Corp is new."
	rules := []string{
		"one/cfg", "{}", "one/patterns.jsonl", `{"label":"X","pattern":"Acme Corp","id":"acme"}`,
		"two.jsonl", `{"label":"Y","pattern":[{"LOWER":"acme"},{"IS_PUNCT":true},{}]}` + "\n" + `{"label":"X","pattern":"Acme"}`,
	}
	for _, s := range []tiny{small, {width: 8, depth: 1, pieces: 2, columns: []string{"NORM"}, rows: []int{20}, hidden: 4, labels: []string{"A"}, parser: true}} {
		files := s.files(t, 1)
		addComponent(t, files, "one", "entity_ruler", "")
		addComponentLast(t, files, "two", "entity_ruler")
		addFiles(files, rules)
		p, err := openFiles(files, Options{Exclude: []string{"ner"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Labels(); !slices.Equal(got, []string{"X", "Y"}) {
			t.Errorf("labels %v, want X and Y", got)
		}
		p.Move(func(w []float32) []float32 { return w })
		if p.Sum(); s.parser != (p.CacheWords() > 0) {
			t.Errorf("parser %v, and the cache has %d words", s.parser, p.CacheWords())
		}
		want := []ner.Entity{
			{Text: "Acme Corp", Label: "X", Start: 0, End: 9, RuneStart: 0, RuneEnd: 9, ID: "acme"},
			{Text: "acme. Corp", Label: "Y", Start: 23, End: 33, RuneStart: 23, RuneEnd: 33},
		}
		wanted := ner.Want(0)
		if s.parser {
			wanted = ner.Sents
		}
		for _, test := range []struct {
			text string
			want []ner.Entity
		}{{text, want}, {"", nil}, {"nothing", nil}, {text + strings.Repeat(" foo", 2*longText), want}, {text, want}} {
			got, err := p.Entities(t.Context(), test.text)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%.50q: %v, %v; want %v", test.text, got, err, test.want)
			}
			doc, err := p.Analyze(t.Context(), test.text, wanted)
			if err != nil || !slices.Equal(doc.Ents, test.want) || len(doc.EntTokens) != len(test.want) {
				t.Errorf("%.50q: Analyze finds %v with the tokens %v, %v; want %v", test.text, doc.Ents, doc.EntTokens, err, test.want)
			}
			if s.parser && len(test.text) > 0 && len(doc.Sents) == 0 {
				t.Errorf("%.50q: no sentences", test.text)
			}
		}
		if err := p.Check(ner.Sents); s.parser != (err == nil) {
			t.Errorf("parser %v, Check of sentences: %v", s.parser, err)
		}
	}
}
