package tokenizer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// words returns the tokens of text with | between them, and with _ for a space that is in
// no token.
func words(text string, tokens []Token) string {
	var all []string
	for _, tok := range tokens {
		word := text[tok.Start:tok.End]
		if tok.Space {
			word += "_"
		}
		all = append(all, word)
	}
	return strings.Join(all, "|")
}

// TestCompiledPatterns has the answers of spaCy.
func TestCompiledPatterns(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		file             pairs
	}{
		{"nothing", "(a-b) c.  d", "(a-b)_|c._| |d", nil},
		{"prefixes", "((a(", "(|(|a(", pairs{"prefix_search", `^\(`}},
		{"a prefix anywhere", "ab(c", "a|b|(|c", pairs{"prefix_search", `\(|c`}},
		{"a suffix anywhere", "éb)c", "éb|)|c", pairs{"suffix_search", `\)`}},
		{"a suffix after the prefix", "((", "(|(", pairs{"prefix_search", `^\(`, "suffix_search", `(?<=\()\($`}},
		{"infixes", "-a-b--c-", "-a|-|b|-|-|c|-", pairs{"infix_finditer", "-"}},
		{"empty infixes", "aBcD", "a|Bc|D", pairs{"infix_finditer", "(?=[A-Z])"}},
		{"an infix of nothing", "éab c", "é|a|b_|c", pairs{"infix_finditer", ""}},
		{"a token match", "a-1. a-1", "a-1|._|a-1", pairs{"infix_finditer", "-", "suffix_search", `\.$`, "token_match", `^\w-\d$`}},
		{"a token match before affixes", "(a) (a", "(a)_|(|a", pairs{"prefix_search", `^\(`, "suffix_search", `\)$`, "token_match", `\(a\)`}},
		{"a URL match", "(a-b (a:b", "(|a-b_|(|a|:|b", pairs{"prefix_search", `^\(`, "infix_finditer", "[-:]", "url_match", "a-"}},
		{"a special case", "(ab) cab", "(|a|b|)_|cab", pairs{"prefix_search", `^\(`, "suffix_search", `\)$`,
			"exceptions", pairs{"ab", []any{pairs{65, "a"}, pairs{65, "b"}}}}},
		{"a special case across tokens", "x:) :-) :) ", "x|:)_|:|-|)_|:)_", pairs{"suffix_search", `[:)-]$`,
			"exceptions", pairs{":)", []any{pairs{65, ":)"}}}}},
		{"white space", "a\n\nb \n", "a|\n|\n|b_|\n", pairs{"prefix_search", `^\s`, "suffix_search", `\n$`}},
		{"a last newline", "a \n\n", "a_|\n\n", pairs{"suffix_search", `x$`}},
	} {
		tk, err := New(pack(tt.file), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for range 2 { // the second time all states are known
			tokens := tk.Tokenize(tt.text, nil)
			if got := words(tt.text, tokens); got != tt.want {
				t.Errorf("%s: tokenize(%q) = %q, want %q", tt.name, tt.text, got, tt.want)
			}
			checkTokens(t, tt.text, tokens)
		}
	}
}

func TestCompiledPatternsRefuse(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, want string
	}{
		{"prefix_search", "(", "tokenizer: the regular expression prefix_search cannot be run: missing )"},
		{"suffix_search", `(a)\1`, `suffix_search cannot be run: \1 is not implemented`},
		{"infix_finditer", "(?<=a+)b", "infix_finditer cannot be run: look-behind requires fixed-width pattern"},
		{"token_match", "a*+", "token_match cannot be run: possessive"},
		{"url_match", "(?>a)", "url_match cannot be run: the atomic group"},
	} {
		_, err := New(pack(pairs{tt.name, tt.pattern}), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %q: error %v, want %q", tt.name, tt.pattern, err, tt.want)
		}
	}
}

// TestCompiledPatternsHaveALimit has patterns and texts that need a time that grows with the
// square of the text.
func TestCompiledPatternsHaveALimit(t *testing.T) {
	for name, file := range map[string]pairs{
		"suffixes":  {"suffix_search", "b|a$"},
		"infixes":   {"infix_finditer", "a(?:.*b)?"},
		"lookahead": {"suffix_search", "a(?!.*c.*)$"},
	} {
		f, err := readTokenizerFile(pack(file))
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile(f)
		if err != nil {
			t.Fatal(err)
		}
		p.steps = 1_000_000
		tk, err := buildCompiled(f, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("a", 10_000)
		if _, err := tk.TokenizeContext(context.Background(), text, nil); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%s: error %v, want ErrTooMuch", name, err)
		}
		if _, err := tk.TokenizeContext(context.Background(), strings.Repeat("a ", 1000), nil); err != nil {
			t.Errorf("%s, another text: %v", name, err)
		}
		f.specials = map[string][]ruleToken{text: {{orth: text}}}
		if _, err := buildCompiled(f, p, nil); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%s, in a special case: error %v, want ErrTooMuch", name, err)
		}
	}
}

// TestCompiledEnglishIsLinear counts the steps of English's patterns, compiled, for a text
// without spaces. Their number per byte must not be larger for a long chunk than for a
// short one.
func TestCompiledEnglishIsLinear(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	tk, err := buildCompiled(f, testCompiled(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	const size = 20_000
	for _, unit := range hostile {
		c := newCutter(tk)
		c.text.Allow(100 * size)
		if err := c.cut(context.Background(), strings.Repeat(unit, size/len(unit))); err != nil {
			t.Errorf("%d bytes of %q: %v", size, unit, err)
		}
	}
}

// TestContextInAWord ends the context in the middle of a text that is one word, which is
// cut at its infixes, prefixes or suffixes.
func TestContextInAWord(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := buildCompiled(f, testCompiled(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tk := range map[string]*Tokenizer{"by hand": testTokenizer(t), "compiled": compiled} {
		for _, unit := range []string{"a.B", "(", ")", "😀"} {
			text := strings.Repeat(unit, 4*askSteps)
			all := tk.Tokenize(text, nil)
			tokens, err := tk.TokenizeContext(ctx, text, nil)
			if !errors.Is(err, context.Canceled) || len(tokens) >= len(all) {
				t.Errorf("%s, %q: error %v after %d of %d tokens", name, unit, err, len(tokens), len(all))
			}
		}
	}
}

// TestCompiledAllocatesNothing is TestTokenizeAllocatesNothing for compiled patterns.
func TestCompiledAllocatesNothing(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	tk, err := buildCompiled(f, testCompiled(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newCutter(tk)
	var tokens []Token
	texts := []string{paragraph, "Ünïcode ΣΑΣ, 😀:) don't:( 漢字。 http://a.com/b a.b@c.de"}
	allocs := testing.AllocsPerRun(50, func() {
		for _, text := range texts {
			c.reset(tokens[:0])
			c.allow()
			_ = c.cut(context.Background(), text)
			c.applySpecials(text)
			tokens = c.tokens
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for two texts seen before, want 0", allocs)
	}
}

// FuzzCompiled checks that a tokenizer with any patterns is an error, or makes tokens that
// are the whole text.
func FuzzCompiled(f *testing.F) {
	f.Add(`^\(`, `(?<=[a-z])\.$`, `(?<=[a-z])-(?=[a-z])`, `^\d+$`, `\w+://`, "ab)", "(ab). x-y 12 a://b")
	f.Add(`a`, ``, `(?=A)`, `a*+`, `(`, "x y", "aAa")
	f.Fuzz(func(t *testing.T, prefix, suffix, infix, token, url, special, text string) {
		text = strings.ToValidUTF8(text, "\ufffd")
		file := pairs{"faster_heuristics", len(prefix)%2 == 0}
		for name, pattern := range map[string]string{"prefix_search": prefix, "suffix_search": suffix, "infix_finditer": infix, "token_match": token, "url_match": url} {
			if pattern != "none" && utf8.ValidString(pattern) {
				file = append(file, name, pattern)
			}
		}
		if special != "" && utf8.ValidString(special) {
			file = append(file, "exceptions", pairs{special, []any{pairs{65, special}}})
		}
		tk, err := New(pack(file), nil)
		if err != nil {
			return
		}
		tokens, err := tk.TokenizeContext(context.Background(), text, nil)
		if err == nil {
			checkTokens(t, text, tokens)
		}
	})
}
