package matcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// quantifier says how many tokens a node takes.
type quantifier uint8

const (
	one      quantifier = iota
	none                // one token that does not fit: spaCy's "!"
	optional            // one token or none
	many                // any number of tokens
)

// node is a part of a pattern that takes one token, or any number with the same test.
type node struct {
	quantifier quantifier
	last       bool // the pattern ends after this node
	merges     bool // two ways through the pattern may meet at this node
	key        int32
	equal      []equal
	predicates []int32 // indices in Matcher.predicates
}

// equal says that an attribute must have a value.
type equal struct {
	attr  attr
	value uint64
}

// ParsePattern decodes a pattern for Matcher.Add.
func ParsePattern(data []byte) ([]any, error) {
	v, err := parseJSON(data)
	if err != nil {
		return nil, err
	}
	pattern, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("the pattern is %s, want a list", show(v))
	}
	return pattern, nil
}

// maxNodes is how many nodes a pattern may have. {n,m} stands for m nodes.
const maxNodes = 2000

// Add adds a pattern: a list of objects, each with the attributes of one token, as
// ParseRule returns them. Matches of the pattern get the key. validate is spaCy's setting
// of that name. Add fails if spaCy refuses the pattern, or if this package cannot run it.
func (m *Matcher) Add(key int32, pattern []any, validate bool) error {
	if len(pattern) == 0 {
		return errors.New("the pattern has no tokens")
	}
	first := int32(len(m.nodes))
	for i, spec := range pattern {
		if err := m.addSpec(key, spec, validate); err != nil {
			m.nodes = m.nodes[:first]
			return fmt.Errorf("token %d of the pattern: %w", i+1, err)
		}
		if n := len(m.nodes) - int(first); n > maxNodes {
			m.nodes = m.nodes[:first]
			return fmt.Errorf("the pattern stands for more than %d tokens", maxNodes)
		}
	}
	nodes := m.nodes[first:]
	if len(nodes) == 0 {
		return errors.New("the pattern takes no token")
	}
	nodes[len(nodes)-1].last = true
	loose := 0
	for i := range nodes {
		if nodes[i].quantifier >= optional {
			loose++
		}
		nodes[i].merges = loose > 1
		for _, e := range nodes[i].equal {
			m.compared[e.attr] = true
		}
	}
	m.starts.add(m, first, int32(len(m.firsts)))
	m.firsts = append(m.firsts, first)
	return nil
}

// addSpec adds the nodes of one element of a pattern.
func (m *Matcher) addSpec(key int32, spec any, validate bool) error {
	o, ok := spec.(object)
	if !ok {
		return fmt.Errorf("%s is not an object", show(spec))
	}
	if validate {
		if err := validateSpec(o); err != nil {
			return err
		}
	}
	n := node{key: key}
	op, hasOp := any(nil), false
	for _, x := range o {
		if strings.ToUpper(x.key) == "OP" {
			if hasOp {
				return errors.New("OP is there twice")
			}
			op, hasOp = x.value, true
			continue
		}
		a, err := m.lang.attr(x.key)
		if err != nil {
			return err
		}
		m.used[a] = true
		if tests, ok := x.value.(object); ok {
			if strings.ToUpper(x.key) == sentStartAlias {
				return fmt.Errorf("%s has the value %s, and in spaCy it has no operators: write SENT_START", x.key, show(x.value))
			}
			ids, err := m.addTests(a, "", tests)
			if err != nil {
				return err
			}
			n.predicates = append(n.predicates, ids...)
			continue
		}
		value, err := attrValue(a, x.value)
		if err != nil {
			return err
		}
		n.equal = append(n.equal, equal{a, value})
	}
	if !hasOp {
		m.nodes = append(m.nodes, n)
		return nil
	}
	quantifiers, err := quantifiersOf(op)
	for _, q := range quantifiers {
		n.quantifier = q
		m.nodes = append(m.nodes, n)
	}
	return err
}

// addTests adds the predicates of an attribute: its operators with their values. outer is
// the operator around them, REGEX or FUZZY, or "".
func (m *Matcher) addTests(a attr, outer string, tests object) ([]int32, error) {
	var ids []int32
	seen := map[string]bool{}
	for _, t := range tests {
		op := strings.ToUpper(t.key)
		if seen[op] {
			return nil, fmt.Errorf("%s: %s is there twice", a, op)
		}
		seen[op] = true
		_, isFuzzy := fuzzyEdits(op)
		if inner, ok := t.value.(object); ok && (op == "REGEX" || isFuzzy) {
			if outer != "" {
				return nil, fmt.Errorf("%s: %s inside of %s is not implemented", a, op, outer)
			}
			more, err := m.addTests(a, op, inner)
			if err != nil {
				return nil, err
			}
			ids = append(ids, more...)
			continue
		}
		key := fmt.Sprint(a, " ", outer, " ", op, " ", string(appendJSON(nil, t.value)))
		id, known := m.predicateIDs[key]
		if !known {
			p, err := newPredicate(a, outer, op, t.value)
			if err != nil {
				return nil, err
			}
			id = int32(len(m.predicates))
			m.predicates = append(m.predicates, p)
			m.predicateIDs[key] = id
			m.needsNorms = m.needsNorms || a == attrNorm
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// attrValue returns the number with which the attribute of a token is compared.
func attrValue(a attr, value any) (uint64, error) {
	switch x := value.(type) {
	case string:
		if i := slices.Index(entIOBs, x); a == attrEntIOB && i >= 0 {
			return uint64(i), nil
		}
		return tokenizer.StringID(x), nil
	case bool:
		return number(x), nil
	case json.Number:
		if n, err := strconv.ParseUint(x.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s has the value %s, want a string, true, false, an integer, or an object with an operator", a, show(value))
}

// quantifiersOf returns the quantifiers that an operator stands for.
func quantifiersOf(op any) ([]quantifier, error) {
	s, ok := op.(string)
	if !ok {
		return nil, badOp(op)
	}
	switch s {
	case "1":
		return []quantifier{one}, nil
	case "!":
		return []quantifier{none}, nil
	case "?":
		return []quantifier{optional}, nil
	case "*":
		return []quantifier{many}, nil
	case "+":
		return []quantifier{one, many}, nil
	}
	inner, ok := strings.CutPrefix(s, "{")
	inner, ok2 := strings.CutSuffix(inner, "}")
	lo, hi, isRange := strings.Cut(inner, ",")
	if !isRange {
		hi = lo
	}
	least, err := parseCount(lo)
	most, err2 := parseCount(hi)
	if !ok || !ok2 || err != nil || err2 != nil || least < 0 && most < 0 || most >= 0 && most < least {
		return nil, badOp(op)
	}
	least = max(least, 0)
	if least > maxNodes || most > maxNodes {
		return nil, fmt.Errorf("OP is %s: at most %d tokens", show(op), maxNodes)
	}
	quantifiers := slices.Repeat([]quantifier{one}, least)
	if most < 0 {
		return append(quantifiers, many), nil
	}
	return append(quantifiers, slices.Repeat([]quantifier{optional}, most-least)...), nil
}

// parseCount returns the number of a quantifier, or -1 if there is none. Like Python it
// ignores spaces around a number.
func parseCount(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseUint(strings.Trim(s, " "), 10, 31)
	return int(n), err
}

func badOp(op any) error {
	return fmt.Errorf("OP is %s, want !, ?, +, *, {n}, {n,}, {,m} or {n,m} with n not above m", show(op))
}
