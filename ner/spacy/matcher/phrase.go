package matcher

import (
	"context"
	"fmt"
)

// PhraseMatcher finds phrases: sequences of tokens that have the same values of one
// attribute as the tokens of a text. It is like spaCy's class of that name. Add must not
// run while Match runs. Several goroutines may call Match at once.
//
// The phrases are a trie: a node for each beginning of a phrase. So a token costs the same
// with ten phrases as with 100,000.
type PhraseMatcher struct {
	lang     *Language
	attr     attr
	children map[edge]int32
	keys     map[int32][]int32 // by node: the keys of the phrases that end there
	ids      []uint64          // by key, see New
	nodes    int32
}

// edge leads from a node to the node for one token more.
type edge struct {
	value uint64
	node  int32
}

// NewPhrases returns a matcher without phrases. attribute is spaCy's phrase_matcher_attr: a
// name, the number of an attribute, or "" for the text. ids has spaCy's id of each key.
func NewPhrases(lang *Language, attribute string, ids []uint64) (*PhraseMatcher, error) {
	m := &PhraseMatcher{lang: lang, attr: attrOrth, children: map[edge]int32{}, keys: map[int32][]int32{}, ids: ids}
	if attribute == "" {
		return m, nil
	}
	a, isNumber := numbers[attribute]
	if !isNumber {
		var err error
		if a, err = lang.attr(attribute); err != nil {
			return nil, fmt.Errorf("phrase_matcher_attr is %q: %w", attribute, err)
		}
		if a == attrNone || a == attrPrefix || a == attrSuffix {
			return nil, fmt.Errorf("phrase_matcher_attr is %q: spaCy does not match phrases by it", attribute)
		}
	}
	if !a.lexical() {
		return nil, fmt.Errorf("phrase_matcher_attr is %q: neither entities nor sentences are matched as phrases", attribute)
	}
	if err := lang.has(a); err != nil {
		return nil, fmt.Errorf("phrase_matcher_attr is %q: %w", attribute, err)
	}
	m.attr = a
	return m, nil
}

// Uses reports whether the phrases are compared by the attribute with that name, in upper case.
func (m *PhraseMatcher) Uses(name string) bool {
	a, err := parseAttr(name)
	return err == nil && m.attr == a
}

// Annotated reports whether phrases are compared by an annotation. Then they need annotations.
func (m *PhraseMatcher) Annotated() bool { return m.attr.annotation() }

// Add adds a phrase: the tokens of a text. A phrase without tokens is ignored. As in spaCy, Add
// fails if the phrases are compared by an annotation that no token of the phrase has.
func (m *PhraseMatcher) Add(key int32, phrase *Doc) error {
	tokens := phrase.Tokens
	if len(tokens) == 0 {
		return nil
	}
	if m.attr.annotation() && !has(phrase.Annotations, m.attr) {
		return fmt.Errorf("no token of the phrase %q has %s, by which phrases are compared (phrase_matcher_attr)", phrase.Text, m.attr)
	}
	v := view{doc: phrase, lang: m.lang}
	node := int32(0)
	for i := range tokens {
		v.move(i)
		e := edge{v.value(m.attr), node}
		child, ok := m.children[e]
		if !ok {
			m.nodes++
			child = m.nodes
			m.children[e] = child
		}
		node = child
	}
	m.keys[node] = append(m.keys[node], key)
	return nil
}

// Finish brings the keys of each phrase into spaCy's order. Call it after the last Add.
func (m *PhraseMatcher) Finish() {
	for node, keys := range m.keys {
		if len(keys) > 1 {
			m.keys[node] = inMapOrder(keys, m.ids)
		}
	}
}

// Len returns the number of different beginnings of phrases. It is 0 without phrases.
func (m *PhraseMatcher) Len() int { return int(m.nodes) }

// Match appends the phrases in a text to dst, in spaCy's order. It fails with the error of
// ctx when ctx ends, and with ErrTooMuch.
func (m *PhraseMatcher) Match(ctx context.Context, doc *Doc, dst []Match) ([]Match, error) {
	if m.nodes == 0 {
		return dst, nil
	}
	values := m.values(doc)
	steps, before := 0, len(dst)
	for start := range values {
		if start%256 == 0 && ctx.Err() != nil {
			return dst, ctx.Err()
		}
		node := int32(0)
		for at := start; at < len(values); at++ {
			child, ok := m.children[edge{values[at], node}]
			if !ok {
				break
			}
			node = child
			steps++
			for _, key := range m.keys[node] {
				dst = append(dst, Match{key, int32(start), int32(at + 1)})
			}
		}
		if steps > MaxSteps || len(dst)-before > MaxMatches {
			return dst[:before], ErrTooMuch
		}
	}
	return dst, nil
}

// values returns the attribute of every token.
func (m *PhraseMatcher) values(doc *Doc) []uint64 {
	values := make([]uint64, len(doc.Tokens))
	v := view{doc: doc, lang: m.lang}
	for i := range doc.Tokens {
		v.move(i)
		values[i] = v.value(m.attr)
	}
	return values
}
