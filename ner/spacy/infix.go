package spacy

import (
	"strings"
	"unicode/utf8"
)

// nextInfix is English's infix_finditer: the first place at or after from where
// x is cut inside, as the half-open range of bytes that becomes a token of its
// own. Lookbehinds see what is before from. ok is false when there is none.
func (p *patterns) nextInfix(x string, from int) (a, b int, ok bool) {
	for i := from; i < len(x); {
		c := x[i]
		if !mayBeInfix[c] {
			i++
			continue
		}
		if n := p.infixAt(x, i); n > 0 {
			return i, i + n, true
		}
		if c < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(x[i:])
		i += size
	}
	return 0, 0, false
}

// mayBeInfix are the bytes an infix can begin with.
var mayBeInfix = func() (may [256]bool) {
	for _, c := range "+-*^.,~:<>=/" {
		may[c] = true
	}
	for c := utf8.RuneSelf; c < 256; c++ {
		may[c] = true
	}
	return may
}()

// infixAt is the length of the infix at x[i:], or 0.
func (p *patterns) infixAt(x string, i int) int {
	before, at := x[:i], x[i:]
	r, size := utf8.DecodeRuneInString(at)
	after := at[size:]
	if r == '…' || p.icon.has(r) {
		return size
	}
	switch r {
	case '.':
		if dots := leadingDots(at); dots >= 2 {
			return dots
		}
		return between(p.dotLeft, before, size, p.dotRight, after)
	case ',':
		return between(p.alpha, before, size, p.alpha, after)
	case '+', '*', '^', '-':
		if endsInDigit(before) && after != "" && (isASCIIDigit(after[0]) || after[0] == '-') {
			return size
		}
		if r == '-' {
			return p.hyphen(before, at)
		}
	case '–', '—', '~':
		return p.hyphen(before, at)
	case ':', '<', '>', '=', '/':
		return between(p.alphaNum, before, size, p.alpha, after)
	}
	return 0
}

// hyphens part words. At most one of them fits: none of their runes is a
// letter, which must follow.
var hyphens = [...]string{"-", "–", "—", "--", "---", "——", "~"}

func (p *patterns) hyphen(before, at string) int {
	for _, h := range hyphens {
		if strings.HasPrefix(at, h) {
			if n := between(p.alphaNum, before, len(h), p.alpha, at[len(h):]); n > 0 {
				return n
			}
		}
	}
	return 0
}

// between returns n if before ends in a member of left and after begins with
// one of right, else 0.
func between(left *charClass, before string, n int, right *charClass, after string) int {
	if _, ok := left.last(before); !ok {
		return 0
	}
	if _, ok := right.first(after); !ok {
		return 0
	}
	return n
}
