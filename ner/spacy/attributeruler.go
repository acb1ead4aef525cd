package spacy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// attributeRuler is spaCy's AttributeRuler. It sets annotations of the tokens that fit a
// pattern.
type attributeRuler struct {
	name    string
	matcher *matcher.Matcher
	rules   []attributeRule // by the key of a match
	uses    ner.Want        // the annotations that the patterns look at
	sets    ner.Want        // the annotations that the rules set
}

// attributeRule says what a match sets, in which token of the match. A negative index counts
// from the end of the match.
type attributeRule struct {
	set   []annotated
	index int
}

// annotated is a value of one field of an annotation.
type annotated struct {
	field ner.Want
	value string
}

// fields has the fields of an annotation by the names of spaCy's attributes.
var fields = map[string]ner.Want{"TAG": ner.Tag, "POS": ner.Pos, "MORPH": ner.Morph, "LEMMA": ner.Lemma, "DEP": ner.Dep}

// field returns one field of an annotation.
func field(a *ner.Annotation, f ner.Want) *string {
	switch f {
	case ner.Tag:
		return &a.Tag
	case ner.Pos:
		return &a.Pos
	case ner.Morph:
		return &a.Morph
	case ner.Lemma:
		return &a.Lemma
	}
	return &a.Dep
}

// newAttributeRuler reads the file of the component.
func newAttributeRuler(name string, data []byte, lang *matcher.Language) (*attributeRuler, error) {
	r := &attributeRuler{name: name, matcher: matcher.New(lang)}
	c := msgpack.NewReader(data)
	for n := range c.Array() {
		if err := r.add(c); err != nil {
			return nil, fmt.Errorf("rule %d: %w", n+1, err)
		}
	}
	if err := c.End(); err != nil {
		return nil, err
	}
	for name, f := range fields {
		if r.matcher.Uses(name) {
			r.uses |= f
		}
	}
	return r, r.matcher.Finish()
}

// add reads a rule.
func (r *attributeRuler) add(c *msgpack.Reader) error {
	rule := attributeRule{}
	for range c.Map() {
		switch string(c.Text()) {
		case "patterns":
			for range c.Array() {
				pattern, err := matcher.ParsePattern(c.JSON())
				if err == nil {
					err = r.matcher.Add(int32(len(r.rules)), pattern, false)
				}
				if err != nil {
					return err
				}
			}
		case "attrs":
			for range c.Map() {
				name := c.Str()
				a := annotated{fields[name], c.Str()}
				if err := a.check(); c.Err() == nil && err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				r.sets |= a.field
				rule.put(a)
			}
		case "index":
			rule.index = int(c.Int())
		default:
			c.Skip()
		}
		if c.Err() != nil {
			return c.Err()
		}
	}
	r.rules = append(r.rules, rule)
	return nil
}

// put adds a value. Of several for one field the last one counts, as in Python.
func (r *attributeRule) put(a annotated) {
	for i := range r.set {
		if r.set[i].field == a.field {
			r.set[i] = a
			return
		}
	}
	r.set = append(r.set, a)
}

// check returns an error if spaCy cannot set the value, and brings features into spaCy's
// form.
func (a *annotated) check() error {
	switch a.field {
	case 0:
		return fmt.Errorf("cannot set this attribute")
	case ner.Pos:
		if a.value != "" && !slices.Contains(posNames, a.value) {
			return fmt.Errorf("%q is not a part of speech", a.value)
		}
	case ner.Morph:
		feats, err := morph.Parse(a.value)
		if err != nil {
			return err
		}
		a.value = feats.String()
	}
	return nil
}

// annotate sets what the rules say. Later rules overwrite earlier ones. The patterns look at
// the annotations before the first rule.
func (r *attributeRuler) annotate(ctx context.Context, w *work, out []ner.Annotation) error {
	doc := matcher.Doc{Text: w.text, Tokens: w.tokens, Annotations: out}
	matches, err := r.matcher.Match(ctx, &doc, nil)
	if err != nil {
		return fmt.Errorf("component %q: %w", r.name, err)
	}
	slices.SortFunc(matches, func(a, b matcher.Match) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	for _, m := range matches {
		rule := &r.rules[m.Key]
		token := int(m.Start) + rule.index
		if rule.index < 0 {
			token = int(m.End) + rule.index
		}
		if token < int(m.Start) || token >= int(m.End) {
			return fmt.Errorf("component %q: rule %d is for token %d of a match, and matches %d tokens", r.name, m.Key+1, rule.index, m.End-m.Start)
		}
		for _, a := range rule.set {
			*field(&out[token], a.field) = a.value
		}
	}
	return nil
}
