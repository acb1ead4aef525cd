package pyregexp

import (
	"errors"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// symbol is a class of code points that the regular expressions of an alphabet do not tell
// apart. There are two more symbols, see alphabet.edge and alphabet.lastNewline.
type symbol = uint16

// inside stands for the bytes of a code point after its first one.
const inside symbol = 1<<16 - 1

// maxSymbols is how many symbols an alphabet may have.
const maxSymbols = 1 << 14

// maxClassWork is how many ranges of all sets an alphabet may have, and how many symbols
// times sets. It takes a second or two to look at so many.
const maxClassWork = 1 << 26

var errTooManyClasses = errors.New("it has too many different classes of code points")

// alphabet maps code points to symbols.
type alphabet struct {
	count  int    // the symbols of code points are 0 to count-1
	sample []rune // by symbol: a code point that has it
	ascii  [utf8.RuneSelf]symbol
	bounds []rune   // the first code points of ranges with the same symbol
	of     []symbol // by range
}

// edge is what is before the first code point and after the last one.
func (a *alphabet) edge() symbol { return symbol(a.count) }

// lastNewline is a newline that is the last code point, because $ matches before it.
func (a *alphabet) lastNewline() symbol { return symbol(a.count + 1) }

// size returns the number of all symbols.
func (a *alphabet) size() int { return a.count + 2 }

// newAlphabet returns the alphabet in which each set is a set of symbols. There must be
// few enough symbols.
func newAlphabet(sets []runeSet) (*alphabet, error) {
	bounds := []rune{0}
	for _, s := range sets {
		for i := 0; i < len(s); i += 2 {
			bounds = append(bounds, s[i])
			if s[i+1] < unicode.MaxRune {
				bounds = append(bounds, s[i+1]+1)
			}
		}
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	// Each set divides the classes so far into what is in it and what is not.
	class, classes, work := make([]int, len(bounds)), 1, 0
	for _, s := range sets {
		moved := map[int]int{}
		for i := 0; i < len(s); i += 2 {
			for k, _ := slices.BinarySearch(bounds, s[i]); k < len(bounds) && bounds[k] <= s[i+1]; k++ {
				to, ok := moved[class[k]]
				if !ok {
					to = classes
					classes++
					moved[class[k]] = to
				}
				class[k] = to
				work++
			}
		}
		if work > maxClassWork {
			return nil, errTooManyClasses
		}
	}
	a := &alphabet{}
	numbers := map[int]symbol{}
	for k, c := range class {
		n, ok := numbers[c]
		if !ok {
			n = symbol(len(numbers))
			a.sample = append(a.sample, bounds[k])
			if numbers[c] = n; len(numbers) > maxSymbols {
				return nil, errTooManyClasses
			}
		}
		if len(a.of) == 0 || a.of[len(a.of)-1] != n {
			a.bounds, a.of = append(a.bounds, bounds[k]), append(a.of, n)
		}
	}
	a.count = len(numbers)
	if a.count*len(sets) > maxClassWork {
		return nil, errTooManyClasses
	}
	for r := range a.ascii {
		a.ascii[r] = a.find(rune(r))
	}
	return a, nil
}

// find returns the symbol of a code point.
func (a *alphabet) find(r rune) symbol {
	return a.of[sort.Search(len(a.bounds), func(i int) bool { return a.bounds[i] > r })-1]
}

// members returns for each symbol whether its code points are in a set.
func (a *alphabet) members(s runeSet) []bool {
	in := make([]bool, a.size())
	for n, r := range a.sample {
		in[n] = s.has(r)
	}
	in[a.lastNewline()] = in[a.ascii['\n']]
	return in
}
