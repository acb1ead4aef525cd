package tokenizer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// modelDir returns the folder of the pipeline for the tests, en_core_web_sm 3.8.0.
func modelDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("NARWHAL_TEST_MODEL")
	if dir == "" {
		dir = "../../../models/en_core_web_sm"
	}
	if _, err := os.Stat(filepath.Join(dir, "config.cfg")); err != nil {
		t.Fatalf("no pipeline to test with (%v): run `make model`, or set NARWHAL_TEST_MODEL to the folder of en_core_web_sm 3.8.0", err)
	}
	return dir
}

// readModelFile returns a file of the pipeline in modelDir.
func readModelFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(modelDir(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testTokenizer returns the tokenizer of en_core_web_sm.
func testTokenizer(t testing.TB) *Tokenizer {
	t.Helper()
	tk, err := New(readModelFile(t, "tokenizer"), readModelFile(t, "vocab/lookups.bin"))
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// golden is a line of testdata/tokenizer.jsonl: spaCy's answer for a text.
type golden struct {
	Text   string      `json:"text"`
	Tokens [][3]any    `json:"tokens"` // text, norm, whether a space follows
	IDs    [][6]uint64 `json:"ids"`    // ORTH, NORM, PREFIX, SUFFIX, SHAPE, IS_SPACE
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "tokenizer.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for line := range bytes.Lines(b) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

// TestGolden compares tokens with spaCy's (testdata/tokenizer.py).
func TestGolden(t *testing.T) {
	tk := testTokenizer(t)
	for _, g := range readGolden(t) {
		got := golden{Text: g.Text, Tokens: [][3]any{}, IDs: [][6]uint64{}}
		for i, tok := range tk.Tokenize(g.Text, nil) {
			norm := any("?") // a norm with another id than spaCy's
			if i < len(g.Tokens) && tok.Norm == stringID(g.Tokens[i][1].(string)) {
				norm = g.Tokens[i][1]
			}
			isSpace := uint64(0)
			if tok.IsSpace {
				isSpace = 1
			}
			got.Tokens = append(got.Tokens, [3]any{g.Text[tok.Start:tok.End], norm, tok.Space})
			got.IDs = append(got.IDs, [6]uint64{tok.Orth, tok.Norm, tok.Prefix, tok.Suffix, tok.Shape, isSpace})
		}
		if diff := cmp.Diff(g, got); diff != "" {
			t.Errorf("tokenize(%q), -spaCy +got:\n%s", g.Text, diff)
		}
	}
}

// TestGoldenIsComplete checks that every golden text has spaCy's answer.
func TestGoldenIsComplete(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "tokenizer.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var texts, answers []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, `"`) {
			var text string
			if err := json.Unmarshal([]byte(line), &text); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			texts = append(texts, text)
		}
	}
	for _, g := range readGolden(t) {
		answers = append(answers, g.Text)
	}
	if diff := cmp.Diff(texts, answers); diff != "" {
		t.Errorf("testdata: -tokenizer.txt +tokenizer.jsonl; run tokenizer.py:\n%s", diff)
	}
}

// TestEverySpecialCase checks that the text of each rule has the rule's tokens.
func TestEverySpecialCase(t *testing.T) {
	tk := testTokenizer(t)
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.specials) < 1000 {
		t.Errorf("%d special cases, want at least 1000", len(f.specials))
	}
	for text, want := range f.specials {
		tokens := tk.Tokenize(text, nil)
		if len(tokens) != len(want) {
			t.Errorf("tokenize(%q) has %d tokens, its rule has %d", text, len(tokens), len(want))
			continue
		}
		for i, tok := range tokens {
			if got := text[tok.Start:tok.End]; got != want[i].orth {
				t.Errorf("tokenize(%q)[%d] = %q, its rule says %q", text, i, got, want[i].orth)
			}
			if want[i].norm != "" && tok.Norm != stringID(want[i].norm) {
				t.Errorf("tokenize(%q)[%d] has not the norm %q of its rule", text, i, want[i].norm)
			}
		}
	}
}

// TestAddedSpecialCases has rules of kinds that English does not have: with more tokens
// than affixes make, and with spaces. The answers are those of spaCy after
// nlp.tokenizer.add_special_case.
func TestAddedSpecialCases(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	f.specials[":ab"] = []ruleToken{{orth: ":"}, {orth: "a", norm: "first"}, {orth: "b"}}
	f.specials["(c d)"] = []ruleToken{{orth: "(c "}, {orth: "d)"}}
	f.specials["New York"] = []ruleToken{{orth: "New York", norm: "NY"}}
	f.specials["plain"] = []ruleToken{{orth: "pl"}, {orth: "ain"}}
	tests := []struct {
		text, want string // tokens with | between them; _ for a space that is in no token
		all        bool   // look for all special cases among tokens
	}{
		{text: "x:ab y:ab z", want: "x|:|a|b_|y|:|a|b_|z"},
		{text: "see (c d) or (c  d)", want: "see_|(c |d)_|or_|(|c_| |d|)"},
		{text: "in New York, now", want: "in_|New York|,_|now"},
		{text: "New  York New\nYork New York", want: "New_| |York_|New|\n|York_|New York"},
		{text: "a:b:ab::ab:ab", want: "a|:|b|:|ab::ab|:|a|b"},
		{text: "e:ab. New York:ab New York", want: "e|:|a|b|._|New York|:|a|b_|New York"},
		{text: "(New York)", want: "(|New York|)"},
		{text: "x-plain plain", want: "x|-|plain_|pl|ain"},
		{text: "x-plain plain", want: "x|-|pl|ain_|pl|ain", all: true},
		{text: "x-plain:plain", want: "x|-|pl|ain|:|pl|ain", all: true},
	}
	for _, tt := range tests {
		f.fasterHeuristics = !tt.all
		tk := mustBuild(t, f)
		tokens := tk.Tokenize(tt.text, nil)
		var words []string
		for _, tok := range tokens {
			word := tt.text[tok.Start:tok.End]
			if tok.Space {
				word += "_"
			}
			words = append(words, word)
		}
		if got := strings.Join(words, "|"); got != tt.want {
			t.Errorf("tokenize(%q) = %q, want %q", tt.text, got, tt.want)
		}
		checkTokens(t, tt.text, tokens)
	}
}

// mustBuild returns a tokenizer with the patterns of English and the special cases of f.
func mustBuild(t testing.TB, f *tokenizerFile) *Tokenizer {
	t.Helper()
	tk, err := build(f, testEnglish(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// checkTokens checks what must be true for the tokens of any text.
func checkTokens(t testing.TB, text string, tokens []Token) {
	t.Helper()
	pos, runePos := 0, 0
	for i, tok := range tokens {
		if tok.Start != pos || tok.RuneStart != runePos {
			t.Fatalf("tokenize(%q)[%d] starts at byte %d, rune %d, want %d, %d", text, i, tok.Start, tok.RuneStart, pos, runePos)
		}
		if tok.End <= tok.Start || tok.End > len(text) {
			t.Fatalf("tokenize(%q)[%d] ends at byte %d of %d and starts at %d", text, i, tok.End, len(text), tok.Start)
		}
		word := text[tok.Start:tok.End]
		if got, want := tok.RuneEnd-tok.RuneStart, len([]rune(word)); got != want {
			t.Fatalf("tokenize(%q)[%d] has %d runes, want %d", text, i, got, want)
		}
		if tok.Orth != stringID(word) {
			t.Fatalf("tokenize(%q)[%d]: its id is not that of %q", text, i, word)
		}
		if got, want := tok.IsSpace, strings.TrimFunc(word, isSpace) == ""; got != want {
			t.Fatalf("tokenize(%q)[%d] = %q: IsSpace is %t", text, i, word, got)
		}
		pos, runePos = tok.End, tok.RuneEnd
		if tok.Space {
			if !strings.HasPrefix(text[pos:], " ") {
				t.Fatalf("tokenize(%q)[%d] = %q: no blank follows", text, i, word)
			}
			pos++
			runePos++
		}
	}
	if pos != len(text) {
		t.Fatalf("tokenize(%q) ends at byte %d of %d", text, pos, len(text))
	}
}

func TestTokenizeAppends(t *testing.T) {
	tk := testTokenizer(t)
	const text = "don't:( stop:)"
	alone := tk.Tokenize(text, nil)
	earlier := Token{Start: 1, End: 2, Orth: 3}
	got := tk.Tokenize(text, []Token{earlier})
	if diff := cmp.Diff(append([]Token{earlier}, alone...), got); diff != "" {
		t.Errorf("tokenize(%q) after another token, -want +got:\n%s", text, diff)
	}
}

// TestTokenizeAllocatesNothing uses a cutter directly, because with the race detector a
// sync.Pool drops items at random.
func TestTokenizeAllocatesNothing(t *testing.T) {
	c := &cutter{tk: testTokenizer(t), special: true}
	var tokens []Token
	texts := []string{paragraph, "Ünïcode ΣΑΣ, 😀:) don't:( 漢字。"}
	allocs := testing.AllocsPerRun(50, func() {
		for _, text := range texts {
			c.reset(tokens[:0])
			_ = c.cut(context.Background(), text)
			c.applySpecials(text)
			tokens = c.tokens
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for two texts seen before, want 0", allocs)
	}
}

func TestTokenizeFromManyGoroutines(t *testing.T) {
	tk := testTokenizer(t)
	all := readGolden(t)
	want := make([][]Token, len(all))
	for i, g := range all {
		want[i] = tk.Tokenize(g.Text, nil)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, g := range all {
				if got := tk.Tokenize(g.Text, nil); !cmp.Equal(got, want[i]) {
					t.Errorf("tokenize(%q) differs when others tokenize, too", g.Text)
				}
			}
		})
	}
	wg.Wait()
}

// TestMemoryStaysFlat tokenizes many different words, and checks that the tokenizer does
// not keep them. (spaCy keeps every word for ever.)
func TestMemoryStaysFlat(t *testing.T) {
	tk := testTokenizer(t)
	var tokens []Token
	before := heapInUse()
	for n := range 200_000 {
		tokens = tk.Tokenize(fmt.Sprintf("word%d says w%x-%d.", n, n, n), tokens[:0])
	}
	if grown := int64(heapInUse()) - int64(before); grown > 1<<18 {
		t.Errorf("the heap grew by %d bytes over 200,000 texts of new words", grown)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// FuzzTokenize checks the invariants of checkTokens.
func FuzzTokenize(f *testing.F) {
	tk := testTokenizer(f)
	for _, g := range readGolden(f) {
		f.Add(g.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\ufffd") // Tokenize needs valid UTF-8
		checkTokens(t, text, tk.Tokenize(text, nil))
	})
}
