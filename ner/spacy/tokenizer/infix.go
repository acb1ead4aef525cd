package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// nextInfix implements patterns.
func (p *english) nextInfix(x string, from int) (a, b int, ok bool) {
	for i := from; i < len(x); {
		c := x[i]
		if !mayBeInfix[c] {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			r, n := firstOf(x[i:])
			if size = n; p.runes.of(r)&inWord != 0 {
				i += size
				continue
			}
		}
		if n := p.infixAt(x, i); n > 0 {
			return i, i + n, true
		}
		i += size
	}
	return 0, 0, false
}

// mayBeInfix reports for each byte whether an infix can begin with it.
var mayBeInfix = func() (may [256]bool) {
	for _, c := range "+-*^.,~:<>=/" {
		may[c] = true
	}
	for c := utf8.RuneSelf; c < 256; c++ {
		may[c] = true
	}
	return may
}()

// infixAt returns the length of the infix at the start of x[i:], or 0.
func (p *english) infixAt(x string, i int) int {
	before, at := x[:i], x[i:]
	r, size := firstOf(at)
	after := at[size:]
	switch r {
	case '.':
		if dots := leadingDots(at); dots >= 2 {
			return dots
		}
		return p.between(inDotLeft, before, size, inDotRight, after)
	case ',':
		return p.between(inAlpha, before, size, inAlpha, after)
	case '+', '*', '^', '-':
		if endsInDigit(before) && after != "" && (isASCIIDigit(after[0]) || after[0] == '-') {
			return size
		}
		if r == '-' {
			return p.hyphen(before, at)
		}
		return 0
	case '–', '—', '~':
		return p.hyphen(before, at)
	case ':', '<', '>', '=', '/':
		return p.between(inAlphaNum, before, size, inAlpha, after)
	}
	if r == '…' || p.runes.of(r)&inIcon != 0 {
		return size
	}
	return 0
}

// hyphen returns the length of the hyphens at the start of at, or 0 if they do not cut a
// word. They cut a word after a letter or a digit and before a letter. They are "-",
// "--", "---", "–", "—", "——" or "~".
func (p *english) hyphen(before, at string) int {
	if _, ok := p.lastIn(before, inAlphaNum); !ok {
		return 0
	}
	r, size := firstOf(at)
	most := 1
	switch r {
	case '-':
		most = 3
	case '—':
		most = 2
	}
	n := size
	for n < most*size && strings.HasPrefix(at[n:], at[:size]) {
		n += size
	}
	if _, ok := p.firstIn(at[n:], inAlpha); ok { // a hyphen is not in inAlpha
		return n
	}
	return 0
}

// between returns n if before ends with a rune of left and after begins with one of
// right. Otherwise it returns 0.
func (p *english) between(left runeSets, before string, n int, right runeSets, after string) int {
	if _, ok := p.lastIn(before, left); !ok {
		return 0
	}
	if _, ok := p.firstIn(after, right); !ok {
		return 0
	}
	return n
}
