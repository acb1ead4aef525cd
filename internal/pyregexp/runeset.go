package pyregexp

import (
	"cmp"
	"slices"
	"sync"
	"unicode"
)

// runeSet is a set of code points: pairs of the first and the last code point of a range.
// The ranges of a normal set are in order, and do not touch each other.
type runeSet []rune

func (s runeSet) add(lo, hi rune) runeSet { return append(s, lo, hi) }

// normal returns the same set with its ranges in order.
func (s runeSet) normal() runeSet {
	type pair [2]rune
	pairs := make([]pair, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		pairs = append(pairs, pair{s[i], s[i+1]})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a[0], b[0]) })
	var out runeSet
	for _, p := range pairs {
		if last := len(out) - 1; last >= 0 && p[0] <= out[last]+1 {
			out[last] = max(out[last], p[1])
			continue
		}
		out = append(out, p[0], p[1])
	}
	return out
}

// not returns the complement of a normal set.
func (s runeSet) not() runeSet {
	var out runeSet
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

// has reports whether r is in a normal set.
func (s runeSet) has(r rune) bool {
	i, found := slices.BinarySearch(s, r)
	return found || i%2 == 1
}

// ofTables returns the code points of tables.
func ofTables(tables ...*unicode.RangeTable) runeSet {
	var s runeSet
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			s = s.add(lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			s = s.add(r, r)
		}
	}
	for _, t := range tables {
		for _, x := range t.R16 {
			add(rune(x.Lo), rune(x.Hi), rune(x.Stride))
		}
		for _, x := range t.R32 {
			add(rune(x.Lo), rune(x.Hi), rune(x.Stride))
		}
	}
	return s.normal()
}

// The sets of \d, \w and \s in Python's re.
var (
	digitClass = sync.OnceValue(func() runeSet { return ofTables(unicode.Nd) })
	wordClass  = sync.OnceValue(func() runeSet {
		return append(ofTables(unicode.L, unicode.N), '_', '_').normal()
	})
	spaceClass = sync.OnceValue(func() runeSet {
		return append(ofTables(unicode.White_Space), 0x1c, 0x1f).normal()
	})
)

// sameUpper has the groups of lower case letters that Python's re takes for equal if it
// ignores case, because their upper case form is the same.
var sameUpper = [][]rune{
	{0x69, 0x131}, {0x73, 0x17f}, {0xb5, 0x3bc}, {0x345, 0x3b9, 0x1fbe}, {0x390, 0x1fd3}, {0x3b0, 0x1fe3},
	{0x3b2, 0x3d0}, {0x3b5, 0x3f5}, {0x3b8, 0x3d1}, {0x3ba, 0x3f0}, {0x3c0, 0x3d6}, {0x3c1, 0x3f1},
	{0x3c2, 0x3c3}, {0x3c6, 0x3d5}, {0x432, 0x1c80}, {0x434, 0x1c81}, {0x43e, 0x1c82}, {0x441, 0x1c83},
	{0x442, 0x1c84, 0x1c85}, {0x44a, 0x1c86}, {0x463, 0x1c87}, {0x1c88, 0xa64b}, {0x1e61, 0x1e9b}, {0xfb05, 0xfb06},
}

// cases has the code points that are equal to others if case is ignored.
type cases struct {
	upper map[rune][]rune // the code points with that lower case form, if it differs
	same  map[rune][]rune // the other members of the group in sameUpper
}

var allCases = sync.OnceValue(func() *cases {
	c := &cases{map[rune][]rune{}, map[rune][]rune{}}
	for _, x := range unicode.CaseRanges {
		for r := rune(x.Lo); r <= rune(x.Hi); r++ {
			if low := unicode.ToLower(r); low != r {
				c.upper[low] = append(c.upper[low], r)
			}
		}
	}
	for _, group := range sameUpper {
		for _, r := range group {
			c.same[r] = group
		}
	}
	return c
})

// ignoreCase returns the code points that a normal set has if case is ignored.
func (s runeSet) ignoreCase() runeSet {
	c := allCases()
	out := slices.Clone(s)
	add := func(low rune) {
		for _, l := range append([]rune{low}, c.same[low]...) {
			out = out.add(l, l)
			for _, up := range c.upper[l] {
				out = out.add(up, up)
			}
		}
	}
	if len(s) == 2 && s[0] == s[1] {
		add(unicode.ToLower(s[0]))
		return out.normal()
	}
	for low, ups := range c.upper {
		if s.has(low) || slices.ContainsFunc(ups, s.has) {
			add(low)
		}
	}
	for low := range c.same {
		if s.has(low) {
			add(low)
		}
	}
	return out.normal()
}

// key returns a string that only equal sets have.
func (s runeSet) key() string {
	key := make([]byte, 0, 3*len(s))
	for _, r := range s {
		key = append(key, byte(r), byte(r>>8), byte(r>>16))
	}
	return string(key)
}
