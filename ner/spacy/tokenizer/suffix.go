package tokenizer

import (
	"strings"
)

// suffixLen implements patterns. All alternatives match at the end of x, and a search
// returns the match that starts first. So the longest candidate wins.
func (p *english) suffixLen(x string) int {
	if x == "" {
		return 0
	}
	r, size := lastOf(x)
	n, sets := 0, p.runes.of(r)
	if sets&inSuffix != 0 {
		n = size
	}
	before := x[:len(x)-size]
	switch r {
	case '.':
		n = max(n, p.dotSuffix(x, before))
	case '…':
		if strings.HasSuffix(before, "…") {
			n = 2 * size
		}
	case 's', 'S':
		for _, apostrophe := range [...]string{"'", "’"} {
			if strings.HasSuffix(before, apostrophe) {
				n = len(apostrophe) + size
			}
		}
	case '+':
		if endsInDigit(before) {
			n = size
		}
	}
	if sets&inUnitEnd != 0 {
		n = max(n, p.unitSuffix(x))
	}
	return n
}

// dotSuffix returns the length of the suffix that the full stop at the end of x makes, or
// 0. x is before and a full stop.
func (p *english) dotSuffix(x, before string) int {
	if dots := len(x) - len(strings.TrimRight(x, ".")); dots >= 2 {
		return dots
	}
	if before == "" {
		return 0
	}
	r, size := lastOf(before)
	sets := p.runes.of(r)
	if sets&inDotPrev != 0 {
		return 1
	}
	if _, ok := p.lastIn(before[:len(before)-size], inUpper); ok && sets&inUpper != 0 {
		return 1
	}
	if strings.ContainsRune("FfCcKk", r) && strings.HasSuffix(before[:len(before)-size], "°") {
		return 1
	}
	return 0
}

// unitSuffix returns the length of a unit or currency at the end of x that follows a
// digit, or 0. No unit contains a digit, so the unit would start after the last digit of
// x.
func (p *english) unitSuffix(x string) int {
	for i := len(x) - 1; i >= max(0, len(x)-1-p.maxUnit); i-- {
		if isASCIIDigit(x[i]) {
			if unit := x[i+1:]; p.units[unit] {
				return len(unit)
			}
			return 0
		}
	}
	return 0
}

func endsInDigit(x string) bool { return x != "" && isASCIIDigit(x[len(x)-1]) }
