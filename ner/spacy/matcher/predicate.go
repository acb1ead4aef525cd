package matcher

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/pyregexp"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// predicate is a test of one attribute that is more than "equal".
type predicate struct {
	attr attr
	test func(v *view) bool

	// in has the values of IN, and nil for any other operator. No other value satisfies
	// the predicate.
	in []uint64
}

// The operators that an attribute can have instead of a value.
var (
	sets     = []string{"IN", "NOT_IN", "IS_SUBSET", "IS_SUPERSET", "INTERSECTS"}
	compares = []string{"==", "!=", ">=", "<=", ">", "<"}
)

// fuzzyEdits returns how many edits an operator FUZZY or FUZZY1 to FUZZY9 allows, -1 if it
// depends on the text. ok is false for other operators.
func fuzzyEdits(op string) (n int, ok bool) {
	rest, ok := strings.CutPrefix(op, "FUZZY")
	switch {
	case !ok:
		return 0, false
	case rest == "":
		return -1, true
	case len(rest) == 1 && '1' <= rest[0] && rest[0] <= '9':
		return int(rest[0] - '0'), true
	}
	return 0, false
}

// newPredicate returns the predicate of an operator with a value. outer is the operator
// around it, REGEX or a FUZZY, or "".
func newPredicate(a attr, outer, op string, value any) (*predicate, error) {
	p := &predicate{attr: a}
	var err error
	_, isFuzzy := fuzzyEdits(op)
	switch {
	case slices.Contains(sets, op):
		err = p.set(outer, op, value)
	case outer != "":
		return nil, fmt.Errorf("%s: %s inside of %s is not implemented, only IN and NOT_IN", a, op, outer)
	case slices.Contains(compares, op):
		err = p.compare(op, value)
	case op == "REGEX" || isFuzzy:
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("%s: %s has the value %s, want a string", a, op, show(value))
		}
		p.test, err = stringTest(a, op, text)
	default:
		return nil, fmt.Errorf("%s: the operator %q is unknown", a, op)
	}
	return p, err
}

// stringTest returns the test of REGEX or FUZZY.
func stringTest(a attr, op, text string) (func(v *view) bool, error) {
	if !a.isString() {
		return nil, fmt.Errorf("%s: %s is not implemented for an attribute that is no string", a, op)
	}
	if op == "REGEX" {
		re, err := pyregexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("%s: REGEX %q: %w", a, text, err)
		}
		return func(v *view) bool { return re.Search(v.str(a)) }, nil
	}
	pattern := []rune(text)
	limit, _ := fuzzyEdits(op)
	if limit < 0 {
		limit = edits(len(pattern))
	}
	if len(pattern) > maxFuzzy {
		return nil, fmt.Errorf("%s: the text of %s has %d code points, the limit is %d", a, op, len(pattern), maxFuzzy)
	}
	return func(v *view) bool {
		s := v.str(a)
		if len(s) > 4*(len(pattern)+limit) {
			return false
		}
		return within([]rune(s), pattern, limit)
	}, nil
}

// set makes p a predicate with a list. An attribute but MORPH has one value, so being a subset
// of the list and having a common value with it are the same as being in it.
func (p *predicate) set(outer, op string, value any) error {
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("%s: %s has the value %s, want a list", p.attr, op, show(value))
	}
	if p.attr == attrMorph {
		var err error
		if list, err = featsOf(list); err != nil {
			return fmt.Errorf("MORPH: %s: %w", op, err)
		}
	}
	if outer != "" {
		return p.setOfTests(outer, op, list)
	}
	var ids []uint64
	superset := len(list) == 0
	for _, x := range list {
		id, known, err := setValue(x)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", p.attr, op, err)
		}
		if known {
			ids = append(ids, id)
		}
	}
	a := p.attr
	if a == attrMorph && op != "IN" && op != "NOT_IN" {
		p.test = setOfFeats(op, ids)
		return nil
	}
	switch op {
	case "NOT_IN":
		in := idSet(ids)
		p.test = func(v *view) bool { return !in(v.value(a)) }
	case "IS_SUPERSET":
		same := len(ids) == len(list) && len(slices.Compact(slices.Sorted(slices.Values(ids)))) == 1
		p.test = func(v *view) bool { return superset || same && v.value(a) == ids[0] }
	default:
		in := idSet(ids)
		p.in = append([]uint64{}, ids...)
		p.test = func(v *view) bool { return in(v.value(a)) }
	}
	return nil
}

// idSet returns a function that reports whether an id is one of ids.
func idSet(ids []uint64) func(uint64) bool {
	if len(ids) <= 8 {
		return func(id uint64) bool { return slices.Contains(ids, id) }
	}
	set := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return func(id uint64) bool { return set[id] }
}

// setValue returns the id of an element of a list. known is false for a number that no
// attribute can have.
func setValue(x any) (id uint64, known bool, err error) {
	switch x := x.(type) {
	case string:
		return tokenizer.StringID(x), true, nil
	case bool:
		return number(x), true, nil
	case json.Number:
		if !isInteger(x) {
			break
		}
		id, err := strconv.ParseUint(x.String(), 10, 64)
		return id, err == nil, nil
	}
	return 0, false, fmt.Errorf("the list has %s, want strings or integers", show(x))
}

// isInteger reports whether Python reads a JSON number as an int.
func isInteger(n json.Number) bool { return !strings.ContainsAny(n.String(), ".eE") }

// setOfTests makes p a predicate with a list of regular expressions or of fuzzy texts.
func (p *predicate) setOfTests(outer, op string, list []any) error {
	if op != "IN" && op != "NOT_IN" {
		return fmt.Errorf("%s: %s inside of %s is not implemented, only IN and NOT_IN", p.attr, op, outer)
	}
	if p.attr == attrMorph && outer == "REGEX" && len(list) > 0 {
		return fmt.Errorf("MORPH: %s inside of REGEX fails in spaCy for every text: write one REGEX", op)
	}
	var tests []func(v *view) bool
	for _, x := range list {
		text, ok := x.(string)
		if !ok {
			return fmt.Errorf("%s: %s: the list has %s, want strings", p.attr, op, show(x))
		}
		t, err := stringTest(p.attr, outer, text)
		if err != nil {
			return err
		}
		tests = append(tests, t)
	}
	want := op == "IN"
	p.test = func(v *view) bool {
		for _, t := range tests {
			if t(v) {
				return want
			}
		}
		return !want
	}
	return nil
}

// compare makes p a comparison with a number. Python compares an integer and a float
// exactly, so the numbers are rationals here.
func (p *predicate) compare(op string, value any) error {
	a := p.attr
	if a.isString() {
		return fmt.Errorf("%s: %s is not implemented for an attribute that is a string", a, op)
	}
	if b, ok := value.(bool); ok {
		value = json.Number(strconv.FormatUint(number(b), 10))
	}
	n, ok := value.(json.Number)
	if !ok || len(n) > 40 {
		return fmt.Errorf("%s: %s has the value %s, want a number of at most 40 characters", a, op, show(value))
	}
	want := new(big.Rat)
	if isInteger(n) {
		want.SetString(n.String())
	} else {
		f, err := n.Float64()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", a, op, err)
		}
		want.SetFloat64(f)
	}
	p.test = func(v *view) bool {
		c := new(big.Rat).SetUint64(v.value(a)).Cmp(want)
		switch op {
		case "==":
			return c == 0
		case "!=":
			return c != 0
		case ">=":
			return c >= 0
		case "<=":
			return c <= 0
		case ">":
			return c > 0
		}
		return c < 0
	}
	return nil
}
