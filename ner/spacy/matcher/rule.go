package matcher

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Rule is a rule of spaCy's EntityRuler and SpanRuler: a line of its file of patterns.
type Rule struct {
	Label string
	ID    string
	HasID bool // the rule has an id, which may be empty

	Phrase string // a text; for a rule of tokens it means nothing
	Tokens []any  // a pattern for Matcher.Add; nil for a rule with a text
}

// ParseRule decodes a rule. It does not look at the tokens of its pattern.
func ParseRule(line []byte) (*Rule, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("not valid UTF-8")
	}
	v, err := parseJSON(line)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("%s is not an object", show(v))
	}
	r := &Rule{}
	label, _ := o.get("label")
	if r.Label, ok = label.(string); !ok {
		return nil, fmt.Errorf("label is %s, want a string", show(label))
	}
	if id, has := o.get("id"); has {
		if r.ID, r.HasID = id.(string); !r.HasID {
			return nil, fmt.Errorf("id is %s, want a string", show(id))
		}
	}
	switch p, _ := o.get("pattern"); p := p.(type) {
	case string:
		r.Phrase = p
	case []any:
		r.Tokens = p
	default:
		return nil, fmt.Errorf("pattern is %s, want a string or a list", show(p))
	}
	return r, nil
}
