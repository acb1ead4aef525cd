// Tokenizers compares narwhal's tokenizer with that of real spaCy, and its regular
// expressions with Python's re. tokenizers.py makes the cases, and asks spaCy and Python.
//
//	tokenizers -model DIR -min 1000 cases.jsonl …
//
// It prints what was compared and the first differences, and exits with 1 if there is any
// difference. If Python refuses a regular expression, narwhal must refuse it, too. If only
// narwhal refuses it, that is a difference, unless a known limit is the reason.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/internal/pyregexp"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
	"github.com/narwhal-server/narwhal/scripts/internal/cases"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tokenizers:", err)
		os.Exit(1)
	}
}

// testCase is a line of the file that tokenizers.py writes.
type testCase struct {
	Tokenizer []byte
	Tokens    [][]token

	Pattern *string
	Spans   [][][2]int
	Match   []bool

	Class  string
	Ranges [][2]rune

	Texts []string
	Error string
}

type token struct {
	start, end int
	space      bool
	norm       uint64
}

func (t *token) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&t.start, &t.end, &t.space, &t.norm})
}

// count says what was compared.
type count struct {
	lookups                                                    []byte
	tokenizers, regexps, classes, texts, tokens, matches, both int
	limits                                                     map[string]int // cases that only narwhal refuses
}

// limits are parts of the errors for which a case may be refused only by narwhal.
var limits = []string{"is not implemented"}

func run() error {
	model := flag.String("model", "", "directory of en_core_web_sm")
	least := flag.Int("min", 0, "fail unless so many cases were compared")
	show := flag.Int("show", 10, "differences to print")
	flag.Parse()
	n := count{limits: map[string]int{}}
	var err error
	if n.lookups, err = os.ReadFile(filepath.Join(*model, "vocab", "lookups.bin")); err != nil {
		return err
	}
	different, err := cases.Each(flag.Args(), *show, n.compare)
	if err != nil {
		return err
	}
	fmt.Printf("%d tokenizers, %d regular expressions and %d classes; %d texts, %d tokens, %d matches; both refuse %d cases\n",
		n.tokenizers, n.regexps, n.classes, n.texts, n.tokens, n.matches, n.both)
	cases.PrintRefused(n.limits)
	fmt.Printf("%d differences\n", different)
	switch total := n.tokenizers + n.regexps + n.classes; {
	case different > 0:
		return errors.New("narwhal differs from spaCy or Python")
	case total < *least:
		return fmt.Errorf("compared %d cases, want at least %d", total, *least)
	}
	return nil
}

// compare runs a case, and returns a description of the first difference, or "".
func (n *count) compare(c *testCase) string {
	switch {
	case c.Pattern != nil:
		n.regexps++
		return n.compareRegexp(c)
	case c.Class != "":
		n.classes++
		return n.compareClass(c)
	}
	n.tokenizers++
	return n.compareTokenizer(c)
}

// refused compares errors. done is true if there is nothing more to compare.
func (n *count) refused(what string, c *testCase, err error) (diff string, done bool) {
	if err == nil {
		if c.Error != "" {
			return fmt.Sprintf("%s: Python refuses it: %s", what, c.Error), true
		}
		return "", false
	}
	if c.Error != "" {
		n.both++
		return "", true
	}
	for _, limit := range limits {
		if strings.Contains(err.Error(), limit) {
			n.limits[limit]++
			return "", true
		}
	}
	return fmt.Sprintf("%s: narwhal refuses it: %v", what, err), true
}

func (n *count) compareTokenizer(c *testCase) string {
	tk, err := tokenizer.New(c.Tokenizer, n.lookups)
	if diff, done := n.refused("a tokenizer", c, err); done {
		return diff
	}
	for i, text := range c.Texts {
		tokens, err := tk.TokenizeContext(context.Background(), text, nil)
		if err != nil {
			return fmt.Sprintf("%q: %v", text, err)
		}
		var got []token
		for _, t := range tokens {
			got = append(got, token{t.RuneStart, t.RuneEnd, t.Space, t.Norm})
		}
		n.texts++
		n.tokens += len(got)
		if !slices.Equal(got, c.Tokens[i]) {
			return fmt.Sprintf("a tokenizer: %q:\n    got  %v\n    want %v", text, show(text, got), show(text, c.Tokens[i]))
		}
	}
	return ""
}

// show returns the texts of tokens.
func show(text string, tokens []token) (words []string) {
	runes := []rune(text)
	for _, t := range tokens {
		words = append(words, fmt.Sprintf("%q %t %d", string(runes[t.start:t.end]), t.space, t.norm))
	}
	return words
}

func (n *count) compareRegexp(c *testCase) string {
	set, err := pyregexp.CompileSet(*c.Pattern)
	if diff, done := n.refused(fmt.Sprintf("%q", *c.Pattern), c, err); done {
		return diff
	}
	re, err := pyregexp.Compile(*c.Pattern)
	if err != nil {
		return fmt.Sprintf("%q: %v", *c.Pattern, err)
	}
	t := set.NewText()
	for i, text := range c.Texts {
		t.Reset(text)
		n.texts++
		var got [][2]int
		for _, m := range set.FindAll(t, 0, 0, len(text), nil) {
			got = append(got, [2]int{utf8.RuneCountInString(text[:m.Start]), utf8.RuneCountInString(text[:m.End])})
		}
		n.matches += len(got)
		if !slices.Equal(got, c.Spans[i]) {
			return fmt.Sprintf("%q in %q: got %v, want %v", *c.Pattern, text, got, c.Spans[i])
		}
		start, end, ok := set.Find(t, 0, 0, len(text))
		if ok != (len(got) > 0) || ok && (utf8.RuneCountInString(text[:start]) != got[0][0] || utf8.RuneCountInString(text[:end]) != got[0][1]) {
			return fmt.Sprintf("%q in %q: search %d, %d, %t, the first of all %v", *c.Pattern, text, start, end, ok, got)
		}
		if match := set.Match(t, 0, 0, len(text)); match != c.Match[i] {
			return fmt.Sprintf("%q at the start of %q: got %t", *c.Pattern, text, match)
		}
		if found := re.Search(text); found != ok {
			return fmt.Sprintf("%q in %q: got %t", *c.Pattern, text, found)
		}
	}
	return ""
}

// compareClass compares all code points.
func (n *count) compareClass(c *testCase) string {
	set, err := pyregexp.CompileSet(c.Class)
	if diff, done := n.refused(fmt.Sprintf("%q", c.Class), c, err); done {
		return diff
	}
	t := set.NewText()
	next := 0 // the first range that does not end before r
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		text := "\n" + string(r) + "\n"
		t.Reset(text)
		got := false
		for _, m := range set.FindAll(t, 0, 0, len(text), nil) {
			got = got || m.Start == 1
		}
		for next < len(c.Ranges) && c.Ranges[next][1] < r {
			next++
		}
		want := next < len(c.Ranges) && c.Ranges[next][0] <= r
		if got != want {
			return fmt.Sprintf("%.40q for %q (%U): got %t", c.Class, r, r, got)
		}
	}
	return ""
}
