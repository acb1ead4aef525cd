package tokenizer

import (
	"strings"
)

// prefixLen implements patterns.
func (p *english) prefixLen(x string) int {
	if x == "" {
		return 0
	}
	switch x[0] {
	case '+': // not before a digit
		if len(x) > 1 && isASCIIDigit(x[1]) {
			return 0
		}
		return 1
	case '.':
		if n := leadingDots(x); n >= 2 {
			return n
		}
		return 0
	case 'U', 'C', 'A':
		for _, currency := range [...]string{"US$", "C$", "A$"} {
			if strings.HasPrefix(x, currency) {
				return len(currency)
			}
		}
		return 0
	}
	if size, ok := p.firstIn(x, inPrefix); ok {
		return size
	}
	return 0
}

// leadingDots returns the number of full stops at the start of x.
func leadingDots(x string) int {
	n := 0
	for n < len(x) && x[n] == '.' {
		n++
	}
	return n
}

func isASCIIDigit(c byte) bool { return c-'0' <= 9 }
