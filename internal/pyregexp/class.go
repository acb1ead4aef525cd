package pyregexp

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape takes an escape after its backslash, outside of a set.
func (p *parser) escape() (*syntax.Regexp, itemKind, error) {
	at := func(op syntax.Op) (*syntax.Regexp, itemKind, error) {
		p.take()
		return &syntax.Regexp{Op: op}, place, nil
	}
	switch r := p.next(); {
	case r == 'A':
		return at(syntax.OpBeginText)
	case r == 'Z':
		return at(syntax.OpEndText)
	case r == 'b':
		return at(syntax.OpWordBoundary)
	case r == 'B':
		return at(syntax.OpNoWordBoundary)
	case '1' <= r && r <= '9':
		return nil, 0, fmt.Errorf("\\%c is not implemented: it is a reference to a group, or an octal number", r)
	}
	if s := p.category(); s != nil {
		return classOf(s), single, nil
	}
	r, err := p.escaped()
	return p.class(runeSet{r, r}), single, err
}

// category takes \d, \w, \s or their opposites after the backslash, and returns their set.
func (p *parser) category() runeSet {
	var s runeSet
	switch unicode.ToLower(p.next()) {
	case 'd':
		s = digitClass()
	case 'w':
		s = wordClass()
	case 's':
		s = spaceClass()
	default:
		return nil
	}
	if unicode.IsUpper(p.take()) {
		return s.not()
	}
	return s
}

// escaped takes an escape that stands for one code point, after its backslash.
func (p *parser) escaped() (rune, error) {
	r := p.take()
	if i := strings.IndexRune("afnrtv", r); i >= 0 {
		return rune("\a\f\n\r\t\v"[i]), nil
	}
	for i, name := range "xuU" {
		if r == name {
			return p.hex(2 << i)
		}
	}
	switch {
	case r < 0:
		return 0, fmt.Errorf("it ends with a backslash")
	case r == '0':
		c := rune(0)
		for range 2 {
			if d := p.next(); '0' <= d && d <= '7' {
				c = c*8 + p.take() - '0'
			}
		}
		return c, nil
	case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return 0, fmt.Errorf("the escape \\%c is not implemented", r)
	}
	return r, nil
}

// hex takes a code point of n hexadecimal digits.
func (p *parser) hex(n int) (rune, error) {
	if len(p.rest) < n {
		return 0, fmt.Errorf("incomplete escape of %d digits", n)
	}
	digits := string(p.rest[:n])
	c, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || c > unicode.MaxRune {
		return 0, fmt.Errorf("%q is no code point", digits)
	}
	p.rest = p.rest[n:]
	return rune(c), nil
}

// set takes a set after its opening bracket.
func (p *parser) set() (*syntax.Regexp, error) {
	start := p.rest
	negate := p.accept("^")
	var chars, categories runeSet
	for first := true; ; first = false {
		if p.next() == ']' && !first {
			p.take()
			break
		}
		lo, category, err := p.setItem()
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.next() == '-' && len(p.rest) > 1 && p.rest[1] != ']' {
			p.take()
			end, endCategory, err := p.setItem()
			switch {
			case err != nil:
				return nil, err
			case category != nil || endCategory != nil || end < lo:
				return nil, fmt.Errorf("bad character range in a set")
			}
			hi = end
		}
		if category != nil {
			categories = append(categories, category...)
			continue
		}
		chars = chars.add(lo, hi)
	}
	// spaCy's patterns repeat sets of a thousand ranges. To fold them takes long.
	key := foldedSet{string(start[:len(start)-len(p.rest)]), p.ignoreCase}
	s, known := p.sets[key]
	if !known {
		if p.ignoreCase {
			chars = chars.normal().ignoreCase()
		}
		s = append(slices.Clone(chars), categories...).normal()
		if negate {
			s = s.not()
		}
		if p.sets == nil {
			p.sets = map[foldedSet]runeSet{}
		}
		p.sets[key] = s
	}
	return classOf(s), nil
}

// setItem takes a code point or a category of a set.
func (p *parser) setItem() (r rune, category runeSet, err error) {
	switch r := p.take(); r {
	case -1:
		return 0, nil, fmt.Errorf("unterminated character set")
	case '\\':
		if s := p.category(); s != nil {
			return 0, s, nil
		}
		switch d := p.next(); {
		case d == 'b':
			p.take()
			return '\b', nil, nil
		case '1' <= d && d <= '7':
			c := rune(0)
			for range 3 {
				if d := p.next(); '0' <= d && d <= '7' {
					c = c*8 + p.take() - '0'
				}
			}
			if c > 0o377 {
				return 0, nil, fmt.Errorf("an octal escape in a set is too large")
			}
			return c, nil, nil
		}
		r, err := p.escaped()
		return r, nil, err
	default:
		return r, nil, nil
	}
}
