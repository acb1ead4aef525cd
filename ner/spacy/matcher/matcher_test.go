package matcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

var language = sync.OnceValues(func() (*Language, error) {
	dir := os.Getenv("NARWHAL_TEST_MODEL")
	if dir == "" {
		dir = "../../../models/en_core_web_sm"
	}
	rules, err := os.ReadFile(filepath.Join(dir, "tokenizer"))
	if err != nil {
		return nil, err
	}
	lookups, err := os.ReadFile(filepath.Join(dir, "vocab", "lookups.bin"))
	if err != nil {
		return nil, err
	}
	tk, err := tokenizer.New(rules, lookups)
	norms := func() (map[uint64]string, error) { return tokenizer.NormStrings(rules, lookups) }
	return &Language{Tokenizer: tk, Norms: norms, LikeNum: EnglishLikeNum}, err
})

func testLanguage(t testing.TB) *Language {
	t.Helper()
	l, err := language()
	if err != nil {
		t.Fatalf("no pipeline to test with (%v): run `make model`, or set NARWHAL_TEST_MODEL to the folder of en_core_web_sm 3.8.0", err)
	}
	return l
}

func newDoc(l *Language, text string) *Doc {
	return &Doc{Text: text, Tokens: l.Tokenizer.Tokenize(text, nil)}
}

// add adds a pattern in JSON.
func add(m *Matcher, key int32, pattern string, validate bool) error {
	rule, err := ParseRule([]byte(`{"label":"X","pattern":` + pattern + `}`))
	if err != nil {
		return err
	}
	return m.Add(key, rule.Tokens, validate)
}

// find returns the texts that patterns match, in the order of the matches.
func find(t testing.TB, d *Doc, patterns ...string) []string {
	t.Helper()
	m := New(testLanguage(t))
	for i, p := range patterns {
		if err := add(m, int32(i), p, false); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
	}
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	matches, err := m.Match(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range matches {
		s := d.Text[d.Tokens[x.Start].Start:d.Tokens[x.End-1].End]
		if !slices.Contains(got, s) { // spaCy drops matches that are there already
			got = append(got, s)
		}
	}
	return got
}

func TestMatch(t *testing.T) {
	for _, test := range []struct{ pattern, text, want string }{
		{`[{"ORTH":"Apple"}]`, "Apple apple", "Apple"},
		{`[{"TEXT":"Apple"},{"text":"Inc"}]`, "Apple Inc Apple", "Apple Inc"},
		{`[{"LOWER":"apple"}]`, "Apple apple APPLE", "Apple|apple|APPLE"},
		{`[{"NORM":"not"}]`, "I don't not", "n't|not"},
		{`[{"SHAPE":"Xxxxx"}]`, "Apple apple Pear", "Apple"},
		{`[{"PREFIX":"a"}]`, "apple Apple", "apple"},
		{`[{"SUFFIX":"ple"}]`, "apple Apple", "apple|Apple"},
		{`[{"LENGTH":3}]`, "one two three", "one|two"},
		{`[{"LENGTH":{">=":3,"<":5}}]`, "a one three four", "one|four"},
		{`[{"LENGTH":{"==":3.0}}]`, "a one", "one"},
		{`[{"LENGTH":{"IN":[1,4]}}]`, "a one four", "a|four"},
		{`[{"SPACY":false}]`, "a b", "b"},
		{`[{"IS_DIGIT":true}]`, "5 five ²", "5|²"},
		{`[{"LIKE_NUM":true}]`, "5 five 5th tenth 1/2 1,000 -3 nothing", "5|five|5th|tenth|1/2|1,000|-3"},
		{`[{"LIKE_URL":true}]`, "a.com http://x foo.bar a.", "a.com|http://x|foo.bar"},
		{`[{"LIKE_EMAIL":true}]`, "me@b.co me", "me@b.co"},
		{`[{"IS_TITLE":true}]`, "Fox fox FOX Ǆa ǅa", "Fox|Ǆa|ǅa"},
		{`[{"IS_UPPER":true}]`, "Fox FOX Ⅳ ⅳ 5", "FOX|Ⅳ"},
		{`[{"IS_LOWER":true}]`, "Fox fox ⅳ 5", "fox|ⅳ"},
		{`[{"IS_CURRENCY":true}]`, "$ € 5", "$|€"},
		{`[{"IS_QUOTE":true}]`, "\" a « '", "\"|«|'"},
		{`[{"IS_PUNCT":true,"IS_BRACKET":false}]`, "( . !", ".|!"},
		{`[{}]`, "a b", "a|b"},
		{`[{"":0}]`, "a b", "a|b"},
		{`[{"IS_ALPHA":"IS_ALPHA"}]`, "a 5", "a"}, // the id of the name is 1
		{`[{"LOWER":{"IN":["a","b"]}}]`, "A b c", "A|b"},
		{`[{"LOWER":{"NOT_IN":["a","b"]}}]`, "A b c", "c"},
		{`[{"LOWER":{"IS_SUBSET":["a","b"]}}]`, "A b c", "A|b"},
		{`[{"LOWER":{"IS_SUPERSET":["a","a"]}}]`, "A b c", "A"},
		{`[{"LOWER":{"IS_SUPERSET":[]}}]`, "A b", "A|b"},
		{`[{"LOWER":{"INTERSECTS":["a","c"]}}]`, "A b c", "A|c"},
		{`[{"TEXT":{"REGEX":"^[Uu](\\.?|nited)$"}}]`, "u United Unit", "u|United"},
		{`[{"TEXT":{"REGEX":{"NOT_IN":["a","b"]}}}]`, "xa yb z", "z"},
		{`[{"NORM":{"REGEX":"^no"}}]`, "don't note x", "n't|note"},
		{`[{"LOWER":{"FUZZY":"kitten"}}]`, "sitten mitten mitens sitting kit", "sitten|mitten"},
		{`[{"LOWER":{"FUZZY1":"kitten"}}]`, "sitten kiten kitte sittes", "sitten|kiten|kitte"},
		{`[{"LOWER":{"FUZZY2":{"IN":["abcd","xyz"]}}}]`, "abef xy q", "abef|xy"},
		{`[{"ORTH":"a","OP":"!"},{"ORTH":"b"}]`, "a b c b", "c b"},
		{`[{"ORTH":"a","OP":"?"},{"ORTH":"b"}]`, "a b b", "a b|b"},
		{`[{"ORTH":"a","OP":"*"},{"ORTH":"b"}]`, "a a b", "a a b|a b|b"},
		{`[{"ORTH":"a","OP":"+"}]`, "a a b", "a|a a"},
		{`[{"ORTH":"a","OP":"{2}"}]`, "a a a", "a a"},
		{`[{"ORTH":"a","OP":"{2,}"},{"ORTH":"b"}]`, "a a a b", "a a b|a a a b"},
		{`[{"ORTH":"a","OP":"{,1}"},{"ORTH":"b"}]`, "a b", "a b|b"},
		{`[{"ORTH":"a","OP":"{1,2}"}]`, "a a a", "a|a a"},
		{`[{"ORTH":"a","OP":"{2, 3}"}]`, "a a a", "a a|a a a"},
		{`[{"ORTH":"b"},{"ORTH":"a","OP":"{0}"},{"ORTH":"c"}]`, "b c", "b c"},
		{`[{"ORTH":"a","op":"1"}]`, "a a", "a"},
		{`[{"LOWER":"a"},{"LOWER":"b","OP":"?"},{"LOWER":"c","OP":"*"}]`, "a b c c", "a|a b|a b c|a b c c"},
	} {
		l := testLanguage(t)
		want := strings.Split(test.want, "|")
		if got := find(t, newDoc(l, test.text), test.pattern); !slices.Equal(got, want) {
			t.Errorf("%s in %q: got %q, want %q", test.pattern, test.text, got, want)
		}
	}
}

func TestMatchEntities(t *testing.T) {
	d := newDoc(testLanguage(t), "a b c d")
	d.Ents = []Ent{{Start: 1, End: 3, Label: "ORG", ID: "x"}}
	d.IDs = []string{"", "x", "x", ""}
	for pattern, want := range map[string]string{
		`[{"ENT_TYPE":"ORG"}]`:                   "b|c",
		`[{"ENT_TYPE":""}]`:                      "a|d",
		`[{"ENT_TYPE":{"REGEX":"^(ORG|GPE)$"}}]`: "b|c",
		`[{"ENT_TYPE":{"NOT_IN":["ORG"]}}]`:      "a|d",
		`[{"ENT_IOB":"B"}]`:                      "b",
		`[{"ENT_IOB":1}]`:                        "c",
		`[{"ENT_IOB":"O"}]`:                      "a|d",
		`[{"ENT_IOB":{"IN":["B"]}}]`:             "", // spaCy compares the number with the id of "B"
		`[{"ENT_ID":"x"}]`:                       "b|c",
	} {
		if got := strings.Join(find(t, d, pattern), "|"); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
	d.Ents, d.NoEnts = nil, true
	if got := find(t, d, `[{"ENT_IOB":""}]`); len(got) != 4 {
		t.Errorf("before any component has set entities, ENT_IOB is %q for %q, want all tokens", "", got)
	}
}

// TestOrderOfMatches has two patterns: at each token spaCy shows it to the matches that go
// on before it begins new ones, and within a token in the order of the patterns.
func TestOrderOfMatches(t *testing.T) {
	d := newDoc(testLanguage(t), "a b c")
	got := find(t, d, `[{"LENGTH":1},{"ORTH":"b"}]`, `[{"ORTH":"b"}]`, `[{"IS_ALPHA":true},{"IS_ALPHA":true},{"ORTH":"c"}]`)
	if want := []string{"a b", "b", "a b c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefuses(t *testing.T) {
	long := strings.Repeat("x", maxFuzzy+1)
	for pattern, want := range map[string]string{
		`[]`:                                   "no tokens",
		`[5]`:                                  "5 is not an object",
		`[{"IS_STOP":true}]`:                   "IS_STOP is not implemented: the stop words are in spaCy's program",
		`[{"HEAD":0}]`:                         "HEAD is not implemented: a parser sets it",
		`[{"IS_SENT_START":{"IN":[true]}}]`:    "in spaCy it has no operators: write SENT_START",
		`[{"MORPH":{"IN":["A"]}}]`:             `MORPH: IN: the features "A" have "A", want Field=Value`,
		`[{"MORPH":{"IS_SUBSET":[1]}}]`:        "MORPH: IS_SUBSET: the list has 1, want strings",
		`[{"MORPH":{"REGEX":{"IN":["A=1"]}}}]`: "MORPH: IN inside of REGEX fails in spaCy",
		`[{"_":{"x":1}}]`:                      "the attribute _",
		`[{"FOO":1}]`:                          `"FOO" is unknown`,
		`[{"LOWER":1.5}]`:                      "LOWER has the value 1.5",
		`[{"LOWER":-1}]`:                       "LOWER has the value -1",
		`[{"LOWER":null}]`:                     "LOWER has the value null",
		`[{"LOWER":["a"]}]`:                    `LOWER has the value ["a"]`,
		`[{"LOWER":{"FOO":"a"}}]`:              `the operator "FOO" is unknown`,
		`[{"LOWER":{"IN":"abc"}}]`:             `IN has the value "abc", want a list`,
		`[{"LOWER":{"IN":[1.5]}}]`:             "the list has 1.5",
		`[{"LOWER":{">":3}}]`:                  "> is not implemented for an attribute that is a string",
		`[{"LENGTH":{">":"3"}}]`:               `> has the value "3"`,
		`[{"LENGTH":{"REGEX":"3"}}]`:           "REGEX is not implemented for an attribute that is no string",
		`[{"LOWER":{"REGEX":"(?>a)"}}]`:        "atomic group (?>…) is not implemented",
		`[{"LOWER":{"REGEX":"("}}]`:            "missing )",
		`[{"LOWER":{"REGEX":{"FUZZY":"a"}}}]`:  "FUZZY inside of REGEX is not implemented",
		`[{"LOWER":{"FUZZY":{"==":"a"}}}]`:     "== inside of FUZZY is not implemented",
		`[{"LOWER":{"FUZZY":"` + long + `"}}]`: "257 code points, the limit is 256",
		`[{"ORTH":"a","OP":"x"}]`:              `OP is "x", want`,
		`[{"ORTH":"a","OP":"{3,2}"}]`:          `OP is "{3,2}", want`,
		`[{"ORTH":"a","OP":"{,}"}]`:            `OP is "{,}", want`,
		`[{"ORTH":"a","OP":5}]`:                "OP is 5, want",
		`[{"ORTH":"a","OP":"{5000}"}]`:         "at most 2000 tokens",
		`[{"ORTH":"a","OP":"+","op":"+"}]`:     "OP is there twice",
		`[{"OP":"{1500}"},{"OP":"{1500}"}]`:    "stands for more than 2000 tokens",
		`[{"ORTH":"a","OP":"{0}"}]`:            "takes no token",
		`[{"ORTH":"a","ORTH":"b"}]`:            `"ORTH" is there twice`,
		`{"a":1}`:                              "want a string or a list",
	} {
		m := New(testLanguage(t))
		err := add(m, 0, pattern, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
		if m.Len() != 0 || len(m.nodes) != 0 {
			t.Errorf("%s: the matcher has a part of the pattern", pattern)
		}
	}
}

// TestLikeNum has LIKE_NUM for a language without words for numbers, and for one whose words
// this package does not have.
func TestLikeNum(t *testing.T) {
	l := *testLanguage(t)
	l.LikeNum = LikeNum
	m := New(&l)
	if err := add(m, 0, `[{"LIKE_NUM":true}]`, false); err != nil {
		t.Fatal(err)
	}
	d := newDoc(&l, "5 five 5th 1/2 1/2/3 1,000 -3 ² /")
	matches, err := m.Match(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range matches {
		got = append(got, d.Text[d.Tokens[x.Start].Start:d.Tokens[x.End-1].End])
	}
	if want := []string{"5", "1/2", "1,000", "-3", "²"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	l.Lacks = []string{"IS_CURRENCY", "LIKE_NUM"}
	const want = " is not implemented for the language of the pipeline: its words are in spaCy's program"
	for _, pattern := range []string{`[{"like_num":true}]`, `[{"LIKE_NUM":{"IN":[1]}}]`, `[{"IS_CURRENCY":false}]`} {
		err := add(New(&l), 0, pattern, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
			continue
		}
		// The pattern that the error proposes must be one that is accepted.
		_, advice, _ := strings.Cut(err.Error(), "such as ")
		if err := add(New(&l), 0, "["+strings.NewReplacer("|…", "", ", …", "").Replace(advice)+"]", false); err != nil {
			t.Errorf("the proposed pattern %s: %v", advice, err)
		}
	}
	for _, attribute := range []string{"LIKE_NUM", "10"} {
		if _, err := NewPhrases(&l, attribute, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("phrases by %s: %v, want %q", attribute, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for pattern, ok := range map[string]bool{
		`[{"ORTH":"a","IS_ALPHA":true,"OP":"+"}]`: true,
		`[{"orth":"a","op":"{2,3}"}]`:             true,
		`[{"LENGTH":{">=":2}}]`:                   true,
		`[{"LOWER":{"regex":"a"}}]`:               true,
		`[{"ENT_IOB":"B"}]`:                       true,
		`[{"Orth":"a"}]`:                          false,
		`[{"PREFIX":"a"}]`:                        false,
		`[{"IS_ALPHA":1}]`:                        false,
		`[{"LOWER":5}]`:                           false,
		`[{"LOWER":{"IN":[1]}}]`:                  false,
		`[{"ORTH":"a","OP":"1"}]`:                 false,
		`[{"ORTH":"a","OP":"{2, 3}"}]`:            false,
		`[{"ENT_IOB":{"IN":[1]}}]`:                false,
		`[{"LENGTH":true}]`:                       false,
		`[{"NORM":"a","norm":{"IN":["a"]}}]`:      false,
		`[{"TAG":"NN","morph":{"in":["A=1"]}}]`:   true,
		`[{"POS":5}]`:                             false,
		`[{"SENT_START":true}]`:                   true,
		`[{"is_sent_start":false}]`:               true,
		`[{"SENT_START":{"IN":[1]}}]`:             false,
	} {
		m := New(testLanguage(t))
		if err := add(m, 0, pattern, true); (err == nil) != ok {
			t.Errorf("%s with validate: %v, want %v", pattern, err, ok)
		}
		if err := add(m, 0, pattern, false); err != nil {
			t.Errorf("%s without validate: %v", pattern, err)
		}
	}
}

// TestHostile has patterns for which a search that follows every way through the pattern
// takes exponential time, or more memory than there is.
func TestHostile(t *testing.T) {
	l := testLanguage(t)
	text := strings.Repeat("a ", 100) + "b"
	all := func(op string, n int) string {
		return "[" + strings.Repeat(`{"ORTH":"a","OP":"`+op+`"},`, n) + `{"ORTH":"c"}]`
	}
	for _, pattern := range []string{all("?", 60), all("*", 60), all("+", 60), all("{,20}", 20)} {
		if got := find(t, newDoc(l, text), pattern); got != nil {
			t.Errorf("%.40s… matches %q", pattern, got)
		}
	}
	m := New(l)
	if err := add(m, 0, `[{"OP":"+"}]`, false); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Match(t.Context(), newDoc(l, strings.Repeat("a ", 10_000)), nil); !errors.Is(err, ErrTooMuch) {
		t.Errorf("every part of a text of 10,000 tokens matches: %v, want %v", err, ErrTooMuch)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Match(ctx, newDoc(l, "a b"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func TestPhrases(t *testing.T) {
	l := testLanguage(t)
	for _, test := range []struct{ attr, phrases, text, want string }{
		{"", "New York|York|new", "New York York", "New York|York"},
		{"LOWER", "new york", "New York NEW york", "New York|NEW york"},
		{"lower", "Foo", "FOO", "FOO"},
		{"66", "Foo", "FOO", "FOO"},
		{"NORM", "not", "don't", "n't"},
		{"SHAPE", "Ab 12", "Xy 34 xy 34", "Xy 34"},
		{"LENGTH", "a bc", "x yz xx yy", "x yz"},
		{"IS_DIGIT", "5 a", "7 b", "7 b"},
		{"ORTH", "|  |a a|a", "a a", "a|a a"},
	} {
		m, err := NewPhrases(l, test.attr, []uint64{1000})
		if err != nil {
			t.Fatal(err)
		}
		for p := range strings.SplitSeq(test.phrases, "|") {
			if err := m.Add(0, newDoc(l, p)); err != nil {
				t.Fatal(err)
			}
		}
		m.Finish()
		d := newDoc(l, test.text)
		matches, err := m.Match(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range matches {
			if s := d.Text[d.Tokens[x.Start].Start:d.Tokens[x.End-1].End]; !slices.Contains(got, s) {
				got = append(got, s)
			}
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("%q by %q in %q: %q, want %q", test.phrases, test.attr, test.text, got, test.want)
		}
	}
	for _, attr := range []string{"SENT_START", "PREFIX", "foo", "ENT_TYPE", "80"} {
		if _, err := NewPhrases(l, attr, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", attr)) {
			t.Errorf("phrases by %s: %v", attr, err)
		}
	}
}

func TestParseRule(t *testing.T) {
	r, err := ParseRule([]byte(`{"label":"ORG","pattern":"Apple","id":"a","more":[1]}`))
	if err != nil || r.Label != "ORG" || r.Phrase != "Apple" || r.ID != "a" || !r.HasID || r.Tokens != nil {
		t.Errorf("%+v, %v", r, err)
	}
	for line, want := range map[string]string{
		`{`: "unexpected", `[1]`: "[1] is not an object", `{"pattern":"a"}`: "label is null", `{"label":"a"}`: "pattern is null",
		`{"label":"a","pattern":"b","id":null}`: "id is null", `{"label":"a","pattern":"b"} x`: "after the JSON value",
		strings.Repeat("[", 100): "more than 20 levels", "{\"label\":\"\xff\"}": "UTF-8",
	} {
		if _, err := ParseRule([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", line, err, want)
		}
	}
}

// FuzzPattern adds an arbitrary pattern and phrase, and runs them.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{
		`[{"ORTH":"a","OP":"+"},{"LOWER":{"REGEX":"(?i)^a|b{2,3}$"},"OP":"{1,3}"}]`,
		`[{"LENGTH":{">=":2},"IS_TITLE":true},{"NORM":{"FUZZY2":{"IN":["x","yz"]}}},{"ENT_IOB":"B","OP":"!"}]`,
		`[{"SHAPE":{"NOT_IN":["Xx",5]}},{}]`, `"New York"`, `[{"TEXT":{"REGEX":"[^\\W\\d]+(?:a|b)*?\\b."}}]`,
		`[{"TAG":"VBZ","SENT_START":false},{"POS":{"IN":["VERB","X"]}},{"MORPH":{"IS_SUPERSET":["Person=3"]},"DEP":{"REGEX":"^R"},"LEMMA":{"FUZZY":"bee"}}]`,
	} {
		f.Add(seed, false)
	}
	l := testLanguage(f)
	docs := []*Doc{newDoc(l, "Apple isn't in New York. aabb 12 \n x yz"), newDoc(l, "")}
	docs[0].Ents = []Ent{{Start: 0, End: 1, Label: "ORG"}}
	docs[0].SentStarts = make([]bool, len(docs[0].Tokens))
	docs[0].Annotations = make([]ner.Annotation, len(docs[0].Tokens))
	docs[0].Annotations[1] = ner.Annotation{Tag: "VBZ", Pos: "VERB", Morph: "Number=Sing|Person=3", Lemma: "be", Dep: "ROOT"}
	f.Fuzz(func(t *testing.T, pattern string, validate bool) {
		rule, err := ParseRule([]byte(`{"label":"X","pattern":` + pattern + `}`))
		if err != nil {
			return
		}
		m := New(l)
		if rule.Tokens != nil && m.Add(0, rule.Tokens, validate) != nil {
			return
		}
		if err := m.Finish(); err != nil {
			t.Fatal(err)
		}
		phrases, err := NewPhrases(l, "NORM", []uint64{1})
		if err != nil {
			t.Fatal(err)
		}
		if err := phrases.Add(0, newDoc(l, rule.Phrase)); err != nil {
			t.Fatal(err)
		}
		phrases.Finish()
		for _, d := range docs {
			matches, err := m.Match(context.Background(), d, nil)
			if err == nil {
				matches, err = phrases.Match(context.Background(), d, matches)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range InSetOrder(matches, []uint64{1}) {
				if x.Start < 0 || x.End <= x.Start || int(x.End) > len(d.Tokens) {
					t.Errorf("%v in a text of %d tokens", x, len(d.Tokens))
				}
			}
		}
	})
}
