package matcher

import "slices"

// starts finds the patterns that can begin with a token. A pattern whose first token needs
// one of some values of an attribute is found by these values. All others are tried at
// every token.
type starts struct {
	attrs  []attr                       // the attributes in values
	values [numAttrs]map[uint64][]int32 // the patterns, by value
	others []int32
}

// add adds a pattern with that number. The patterns come in the order of their numbers.
func (s *starts) add(m *Matcher, first, pattern int32) {
	a, ids := m.selective(&m.nodes[first])
	if ids == nil {
		s.others = append(s.others, pattern)
		return
	}
	if s.values[a] == nil {
		s.values[a] = map[uint64][]int32{}
		s.attrs = append(s.attrs, a)
	}
	for _, id := range ids {
		list := s.values[a][id]
		if len(list) == 0 || list[len(list)-1] != pattern {
			s.values[a][id] = append(list, pattern)
		}
	}
}

// selective returns an attribute of the first node of a pattern, and its possible values.
// It returns no values if the node can have any.
func (m *Matcher) selective(n *node) (a attr, ids []uint64) {
	if n.quantifier != one {
		return 0, nil
	}
	for _, e := range n.equal {
		if e.attr.isString() && e.attr.lexical() {
			return e.attr, []uint64{e.value}
		}
	}
	for _, i := range n.predicates {
		if p := m.predicates[i]; p.in != nil && p.attr.isString() && p.attr.lexical() {
			return p.attr, p.in
		}
	}
	return 0, nil
}

// find appends the numbers of the patterns that the token of v can begin, in their order.
func (s *starts) find(v *view, dst []int32) []int32 {
	for _, a := range s.attrs {
		dst = append(dst, s.values[a][v.value(a)]...)
	}
	if len(dst) > 0 {
		dst = append(dst, s.others...)
		slices.Sort(dst)
		return dst
	}
	return append(dst, s.others...)
}
