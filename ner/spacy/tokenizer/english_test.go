package tokenizer

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/pyregexp"
)

// slowPatterns interprets the patterns of a pipeline as Python's re does. Package regexp
// has no lookbehinds and lookaheads, so each alternative is split into a lookbehind, a
// body and a lookahead. The alternatives are tried in order at each place.
type slowPatterns struct {
	prefix, suffix, infix []slowAlternative

	urlHead, urlPrivate, urlIPv4, urlDomain *regexp.Regexp
}

// slowAlternative matches at a place of a text if behind matches the text before it, body
// matches the text after it, and notAhead does not match after the first group of body.
// That group is the match. The rest of body is a lookahead.
type slowAlternative struct{ behind, body, notAhead *regexp.Regexp }

var (
	lookbehind = regexp.MustCompile(`^\(\?<=((?:\[(?:\\.|[^\\\]])*\]|[^\[\])])*)\)`)
	lookahead  = regexp.MustCompile(`\(\?([=!])((?:\[(?:\\.|[^\\\]])*\]|[^\[\])])*)\)$`)
	escapes    = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|w|d|S)`)
)

// goPattern returns a Python pattern in the syntax of package regexp.
func goPattern(python string) string {
	return escapes.ReplaceAllStringFunc(python, func(e string) string {
		switch e[1] {
		case 'w':
			return `\p{L}\p{N}_` // \w occurs only inside of classes
		case 'd':
			return `\p{Nd}`
		case 'S':
			return `[^\s]`
		}
		return `\x{` + e[2:] + `}`
	})
}

func newSlowPatterns(t testing.TB) *slowPatterns {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	compile := func(pattern string) *regexp.Regexp {
		re, err := regexp.Compile(goPattern(pattern))
		if err != nil {
			t.Fatal(err)
		}
		return re
	}
	alternatives := func(pattern pattern) (list []slowAlternative) {
		for _, a := range splitAlternatives(pattern.text) {
			a = strings.TrimPrefix(a, "^")
			var s slowAlternative
			if m := lookbehind.FindStringSubmatch(a); m != nil {
				s.behind = compile("(?:" + m[1] + ")$")
				a = a[len(m[0]):]
			}
			ahead := ""
			if m := lookahead.FindStringSubmatch(a); m != nil {
				a = a[:len(a)-len(m[0])]
				if m[1] == "=" {
					ahead = m[2]
				} else {
					s.notAhead = compile("^(?:" + m[2] + ")")
				}
			}
			s.body = compile("^(" + a + ")(?:" + ahead + ")")
			list = append(list, s)
		}
		return list
	}
	s := &slowPatterns{
		prefix: alternatives(f.prefix),
		suffix: alternatives(f.suffix),
		infix:  alternatives(f.infix),
	}

	// ^(?:scheme://)?(?:user@)?(?:(?!private)(?!…)(?!…)ipv4|domain)tail$
	head, rest, ok1 := strings.Cut(strings.TrimPrefix(f.url.text, "(?u)"), "(?:(?!")
	private, rest, ok2 := strings.Cut(rest, ")(?:[1-9]")
	hosts, tail, ok3 := strings.Cut("(?:[1-9]"+rest, "{2,63}))")
	parts := splitAlternatives(hosts + "{2,63})")
	if !ok1 || !ok2 || !ok3 || len(parts) != 2 {
		t.Fatal("url_match is not built as expected")
	}
	s.urlHead = compile(head + "$")
	s.urlPrivate = compile("^(?:" + strings.ReplaceAll(private, ")(?!", "|") + ")")
	s.urlIPv4 = compile("^" + parts[0] + tail)
	s.urlDomain = compile("^" + parts[1] + tail)
	return s
}

// at returns the length of the alternative's match at the start of x[i:], or -1.
func (a *slowAlternative) at(x string, i int) int {
	if a.behind != nil && !a.behind.MatchString(x[:i]) {
		return -1
	}
	m := a.body.FindStringSubmatchIndex(x[i:])
	if m == nil || a.notAhead != nil && a.notAhead.MatchString(x[i+m[3]:]) {
		return -1
	}
	return m[3]
}

func (s *slowPatterns) prefixLen(x string) int {
	for _, a := range s.prefix {
		if n := a.at(x, 0); n > 0 {
			return n
		}
	}
	return 0
}

func (s *slowPatterns) suffixLen(x string) int {
	for i := range x {
		for _, a := range s.suffix {
			if a.at(x, i) == len(x)-i {
				return len(x) - i
			}
		}
	}
	return 0
}

func (s *slowPatterns) nextInfix(x string, from int) (start, end int, ok bool) {
	for i := range x {
		if i < from {
			continue
		}
		for _, a := range s.infix {
			if n := a.at(x, i); n > 0 {
				return i, i + n, true
			}
		}
	}
	return 0, 0, false
}

func (s *slowPatterns) urlMatch(x string) bool {
	for i := range x {
		if !s.urlHead.MatchString(x[:i]) {
			continue
		}
		if s.urlDomain.MatchString(x[i:]) || !s.urlPrivate.MatchString(x[i:]) && s.urlIPv4.MatchString(x[i:]) {
			return true
		}
	}
	return false
}

// checkMatchers compares the matchers that are written by hand, and the compiled patterns,
// with the patterns.
func checkMatchers(t *testing.T, p *english, regexps *compiled, slow *slowPatterns, x string) {
	t.Helper()
	checkCompiled(t, regexps, slow, x)
	if got, want := p.prefixLen(x), slow.prefixLen(x); got != want {
		t.Errorf("prefixLen(%q) = %d, want %d", x, got, want)
	}
	if got, want := p.suffixLen(x), slow.suffixLen(x); got != want {
		t.Errorf("suffixLen(%q) = %d, want %d", x, got, want)
	}
	if got, want := p.urlMatch(x), slow.urlMatch(x); got != want {
		t.Errorf("urlMatch(%q) = %t, want %t", x, got, want)
	}
	for from := 0; ; {
		a, b, ok := p.nextInfix(x, from)
		wantA, wantB, wantOK := slow.nextInfix(x, from)
		if a != wantA || b != wantB || ok != wantOK {
			t.Errorf("nextInfix(%q, %d) = %d, %d, %t, want %d, %d, %t", x, from, a, b, ok, wantA, wantB, wantOK)
		}
		if from = b; !wantOK || !ok {
			return
		}
	}
}

// checkCompiled compares the compiled patterns with the patterns.
func checkCompiled(t *testing.T, p *compiled, slow *slowPatterns, x string) {
	t.Helper()
	text := p.set.NewText()
	text.Reset(x)
	if got, want := p.prefixLen(text, x, 0, len(x)), slow.prefixLen(x); got != want {
		t.Errorf("compiled: prefixLen(%q) = %d, want %d", x, got, want)
	}
	if got, want := p.suffixLen(text, x, 0, len(x)), slow.suffixLen(x); got != want {
		t.Errorf("compiled: suffixLen(%q) = %d, want %d", x, got, want)
	}
	if got, want := p.matches(p.url, text, 0, len(x)), slow.urlMatch(x); got != want {
		t.Errorf("compiled: url_match(%q) = %t, want %t", x, got, want)
	}
	var want []pyregexp.Match
	for from := 0; ; {
		a, b, ok := slow.nextInfix(x, from)
		if !ok {
			break
		}
		want = append(want, pyregexp.Match{Start: a, End: b})
		from = b
	}
	if diff := cmp.Diff(want, p.infixes(text, 0, len(x), nil)); diff != "" {
		t.Errorf("compiled: infixes of %q, -want +got:\n%s", x, diff)
	}
}

// testCompiled returns the patterns of en_core_web_sm, compiled.
func testCompiled(t testing.TB) *compiled {
	t.Helper()
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testEnglish returns the matchers of en_core_web_sm.
func testEnglish(t testing.TB) *english {
	t.Helper()
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newEnglish(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// slowPatterns also implements patterns. plain and sight have the tokenizer call the
// other methods at every place.
func (s *slowPatterns) plain(rune) bool             { return false }
func (s *slowPatterns) sight() (prefix, suffix int) { return math.MaxInt, math.MaxInt }

// TestOtherPatterns cuts the golden texts with slowPatterns. The tokens must be the same.
// So the tokenizer depends on English only by patterns, and English's plain and sight are
// right.
func TestOtherPatterns(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	norms, err := readLexemeNorms(readModelFile(t, "vocab/lookups.bin"))
	if err != nil {
		t.Fatal(err)
	}
	english := testTokenizer(t)
	other, err := build(f, newSlowPatterns(t), norms)
	if err != nil {
		t.Fatal(err)
	}
	regexps, err := buildCompiled(f, testCompiled(t), norms)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range readGolden(t) {
		if diff := cmp.Diff(english.Tokenize(g.Text, nil), other.Tokenize(g.Text, nil)); diff != "" {
			t.Errorf("Tokenize(%q), -English +the same by regular expressions:\n%s", g.Text, diff)
		}
		if diff := cmp.Diff(english.Tokenize(g.Text, nil), regexps.Tokenize(g.Text, nil)); diff != "" {
			t.Errorf("Tokenize(%q), -English +compiled:\n%s", g.Text, diff)
		}
	}
}

// TestMatchers checks the matchers with the chunks of the golden texts.
func TestMatchers(t *testing.T) {
	p, regexps, slow := testEnglish(t), testCompiled(t), newSlowPatterns(t)
	chunks := make(map[string]bool)
	for _, g := range readGolden(t) {
		for _, chunk := range strings.FieldsFunc(g.Text, isSpace) {
			chunks[chunk] = true
		}
	}
	for chunk := range chunks {
		checkMatchers(t, p, regexps, slow, chunk)
	}
}

// matcherPieces are strings that matter to the patterns.
var matcherPieces = append(strings.Fields(`. .. … …… , ; : ! ? ' " ’ ' s S 's ’S - -- --- – — —— ~ + * ^ = < > / @ # _ & % $ US$ C$ A$ € ₿
	a b Z AB é É ß Σ ʰ 漢 ー я א ا ก ² Ⅳ ٣ 0 1 2 5 9 10 12 16 25 31 99 127 168 169 172 192 223 224 254 255 256
	km km² m/s кПа тб ° °C F K 😀 © ☃ ︎ ( ) [ ] { } « 」 http :// :80 :8 :123456 com .com .org www. a.b. a_ _a
	192.168 10. .254 user@ U.S. \ |`),
	strings.Repeat("x", 62), strings.Repeat("é", 64), "\u0301", "\u200d", "\x00", "\u3000")

// FuzzMatchers checks the matchers with chunks of matcherPieces. Each byte of the input
// chooses a piece.
func FuzzMatchers(f *testing.F) {
	pieces := matcherPieces
	p, regexps, slow := testEnglish(f), testCompiled(f), newSlowPatterns(f)
	for i := range pieces {
		f.Add([]byte{byte(i), byte(7 * i), byte(13 * i), byte(i + 1)})
	}
	f.Fuzz(func(t *testing.T, picks []byte) {
		var b strings.Builder
		for _, pick := range picks[:min(len(picks), 12)] {
			b.WriteString(pieces[int(pick)%len(pieces)])
		}
		checkMatchers(t, p, regexps, slow, b.String())
	})
}

// TestOtherPatternsAreCompiled checks that only the patterns of English use the matchers
// that are written by hand.
func TestOtherPatternsAreCompiled(t *testing.T) {
	english := func() *tokenizerFile {
		f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if !isEnglish(english()) {
		t.Error("English is not English")
	}
	for name, change := range map[string]func(*tokenizerFile){
		"prefix_search":     func(f *tokenizerFile) { f.prefix.text += "|^~" },
		"suffix_search":     func(f *tokenizerFile) { f.suffix = pattern{} },
		"infix_finditer":    func(f *tokenizerFile) { f.infix, f.url = f.url, f.infix },
		"url_match":         func(f *tokenizerFile) { f.url.text = strings.ToLower(f.url.text) },
		"token_match":       func(f *tokenizerFile) { f.tokenMatch = pattern{"^x$", true} },
		"empty token_match": func(f *tokenizerFile) { f.tokenMatch = pattern{"", true} },
	} {
		f := english()
		change(f)
		if isEnglish(f) {
			t.Errorf("another %s counts as English", name)
		}
	}
}
