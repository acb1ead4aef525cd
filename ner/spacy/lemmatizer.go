package spacy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// lemmatizer is spaCy's Lemmatizer. It finds base forms in a table (mode lookup), or by
// rules for the endings of words (mode rule).
type lemmatizer struct {
	overwrite bool
	words     *idTable                     // of the mode lookup: lemma_lookup
	rules     map[string]*lemmas           // of the mode rule, by part of speech
	isBase    func(pos, feats string) bool // whether a word is a base form already
}

// lemmas has the rules for one part of speech.
type lemmas struct {
	endings    []ending   // lemma_rules
	index      *textTable // lemma_index: base forms
	exceptions *textTable // lemma_exc: forms with their base forms
}

// ending is a rule: a word that ends with old has a base form that ends with new.
type ending struct{ old, new string }

// What a part of speech or a word may have. No table of spaCy's authors has a tenth of it. A
// word must not cost more than its text, whatever the tables are.
const (
	maxEndings = 10_000 // rules for one part of speech
	maxForms   = 100    // base forms of one word
	maxForm    = 1_000  // bytes of a base form, or of an ending
)

// newLemmatizer reads the tables of the component.
func newLemmatizer(data []byte, mode string, overwrite bool) (*lemmatizer, error) {
	m := &lemmatizer{overwrite: overwrite}
	tables, err := readLookups(data, map[string]func(*msgpack.Reader){
		"lemma_lookup": func(c *msgpack.Reader) { readForms(c) },
		"lemma_rules":  (*msgpack.Reader).Skip, "lemma_index": (*msgpack.Reader).Skip, "lemma_exc": (*msgpack.Reader).Skip,
	})
	if err != nil {
		return nil, err
	}
	if mode == "lookup" {
		if m.words = tables["lemma_lookup"]; m.words == nil {
			return nil, fmt.Errorf("no table lemma_lookup")
		}
		return m, nil
	}
	if tables["lemma_rules"] == nil {
		return nil, fmt.Errorf("no table lemma_rules")
	}
	m.rules, m.isBase = map[string]*lemmas{}, isEnglishBase
	for _, pos := range posNames {
		key := strings.ToLower(pos)
		l := &lemmas{}
		if l.endings, err = readEndings(tables["lemma_rules"].find(key)); err != nil {
			return nil, fmt.Errorf("lemma_rules: %s: %w", key, err)
		}
		if l.index, err = newTextTable(tables["lemma_index"].value(key), (*msgpack.Reader).Skip); err != nil {
			return nil, fmt.Errorf("lemma_index: %s: %w", key, err)
		}
		if l.exceptions, err = newTextTable(tables["lemma_exc"].value(key), func(c *msgpack.Reader) { readForms(c) }); err != nil {
			return nil, fmt.Errorf("lemma_exc: %s: %w", key, err)
		}
		if len(l.endings) > 0 || len(l.index.slots) > 1 || len(l.exceptions.slots) > 1 {
			m.rules[pos] = l
		}
	}
	return m, nil
}

// readEndings reads a list of pairs. c may be nil: then there are none.
func readEndings(c *msgpack.Reader) ([]ending, error) {
	if c == nil {
		return nil, nil
	}
	var list []ending
	n := c.Array()
	if n > maxEndings {
		return nil, fmt.Errorf("%d rules, the limit is %d", n, maxEndings)
	}
	for range n {
		if n := c.Array(); n != 2 {
			c.Fail("a rule of %d strings, want 2", n)
		}
		list = append(list, ending{readForm(c), readForm(c)})
		if c.Err() != nil {
			break
		}
	}
	return list, c.Err()
}

// readForms reads the base forms of a word: a list, or one string.
func readForms(c *msgpack.Reader) []string {
	if c.IsString() {
		return []string{readForm(c)}
	}
	n := c.Array()
	if n > maxForms {
		c.Fail("%d base forms of a word, the limit is %d", n, maxForms)
	}
	var list []string
	for range n {
		list = append(list, readForm(c))
		if c.Err() != nil {
			break
		}
	}
	return list
}

// readForm reads a base form or an ending.
func readForm(c *msgpack.Reader) string {
	s := c.Str()
	if len(s) > maxForm {
		c.Fail("a base form of %d bytes, the limit is %d", len(s), maxForm)
	}
	return s
}

// annotate sets the lemmas of the tokens.
func (m *lemmatizer) annotate(ctx context.Context, w *work, out []ner.Annotation) error {
	for i := range out {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if a := &out[i]; m.overwrite || a.Lemma == "" {
			a.Lemma = m.lemma(w.text[w.tokens[i].Start:w.tokens[i].End], a.Pos, a.Morph)
		}
	}
	return nil
}

// lemma returns the base form of a word. spaCy can find several. This is the first one.
func (m *lemmatizer) lemma(word, pos, feats string) string {
	if m.words != nil {
		return m.lookUp(word)
	}
	lower := lowerOf(word)
	rules := m.rules[pos]
	switch {
	case pos == "", pos == "EOL", pos == "SPACE", m.isBase(pos, feats):
		return lower
	case rules == nil && pos == "PROPN":
		return word
	case rules == nil:
		return lower
	}
	if form := rules.find(lower); form != "" {
		return form
	}
	return word
}

// lookUp returns the base form of a word in the table, or the word.
func (m *lemmatizer) lookUp(word string) string {
	c := m.words.find(word)
	if c == nil {
		return word
	}
	if list := readForms(c); len(list) > 0 {
		return list[0]
	}
	return word // spaCy fails here
}

// find returns the base form of a word in lower case, or "". An exception comes first, of
// several the last one that the endings do not give. Then come the forms that the index has,
// of several the last one, then the first form that is no word, and at last the first of the
// other forms. (spaCy 3.8.18 does so. Older versions took the first form that the index has.)
func (l *lemmas) find(word string) string {
	var known []string // the forms that the index has, and those that are no words
	var best, strange, unknown *string
	for _, e := range l.endings {
		stem, ok := strings.CutSuffix(word, e.old)
		if !ok || stem == "" && e.new == "" {
			continue
		}
		form := stem + e.new
		switch {
		case l.index.find(form) != nil:
			known, best = append(known, form), &form
		case !isAlpha(form):
			known = append(known, form)
			strange = cmp.Or(strange, &form)
		default:
			unknown = cmp.Or(unknown, &form)
		}
	}
	if c := l.exceptions.find(word); c != nil {
		for _, form := range readForms(c) {
			if !slices.Contains(known, form) {
				known, best = append(known, form), &form
			}
		}
	}
	if form := cmp.Or(best, strange, unknown); form != nil {
		return *form
	}
	return ""
}

// isEnglishBase is spaCy's EnglishLemmatizer.is_base_form.
func isEnglishBase(pos, feats string) bool {
	form := morph.Value(feats, "VerbForm")
	switch {
	case pos == "NOUN" && morph.Value(feats, "Number") == "Sing":
		return true
	case pos == "VERB" && form == "Fin" && morph.Value(feats, "Tense") == "Pres" && morph.Value(feats, "Number") == "":
		return true
	}
	return form == "Inf" || form == "None" || morph.Value(feats, "Degree") == "Pos"
}

// lowerOf returns a word in lower case. It returns the word itself if it is.
func lowerOf(word string) string {
	for i := range len(word) {
		if c := word[i]; c >= 0x80 || 'A' <= c && c <= 'Z' {
			return tokenizer.Lower(word)
		}
	}
	return word
}

// isAlpha is Python's str.isalpha for a string that is not empty.
func isAlpha(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) {
			return false
		}
	}
	return true
}
