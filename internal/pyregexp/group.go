package pyregexp

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// group takes a group after its opening parenthesis.
func (p *parser) group() (*syntax.Regexp, itemKind, error) {
	before := *p
	if p.accept("?") {
		for start, l := range map[string]lookaround{"=": {}, "!": {negative: true}, "<=": {behind: true}, "<!": {behind: true, negative: true}} {
			if p.accept(start) {
				return p.look(l)
			}
		}
		switch {
		case p.accept(":"):
		case p.accept("P<"):
			name := ""
			for p.next() >= 0 && p.next() != '>' {
				name += string(p.take())
			}
			if !p.accept(">") || !isIdentifier(name) {
				return nil, 0, fmt.Errorf("bad group name %q", name)
			}
			if slices.Contains(p.names, name) {
				return nil, 0, fmt.Errorf("redefinition of group name %q", name)
			}
			p.names = append(p.names, name)
		case p.accept("#"):
			for p.next() != ')' {
				if p.take() < 0 {
					return nil, 0, fmt.Errorf("a comment does not end")
				}
			}
			p.take()
			return nil, comment, nil
		default:
			if err := p.scopedFlags(); err != nil {
				return nil, 0, err
			}
		}
	}
	re, err := p.alternatives()
	if err != nil {
		return nil, 0, err
	}
	if !p.accept(")") {
		return nil, 0, fmt.Errorf("missing ), unterminated subpattern")
	}
	p.ignoreCase, p.dotAll = before.ignoreCase, before.dotAll
	return re, single, nil
}

// look takes a lookahead or a lookbehind after its start. The expression gets a capture in
// its place: a program comes to the instruction of that capture where it must look around.
func (p *parser) look(l lookaround) (*syntax.Regexp, itemKind, error) {
	flags := *p
	var err error
	if l.re, err = p.alternatives(); err != nil {
		return nil, 0, err
	}
	if !p.accept(")") {
		return nil, 0, fmt.Errorf("missing ), unterminated subpattern")
	}
	p.ignoreCase, p.dotAll = flags.ignoreCase, flags.dotAll
	if least, most := width(l.re); l.behind && least != most {
		return nil, 0, fmt.Errorf("look-behind requires fixed-width pattern")
	}
	l.source = string(flags.rest[:len(flags.rest)-len(p.rest)])
	l.ignoreCase, l.dotAll = p.ignoreCase, p.dotAll
	n := slices.IndexFunc(p.lookaround, l.same)
	if n < 0 {
		n = len(p.lookaround)
		p.lookaround = append(p.lookaround, l)
	}
	empty := &syntax.Regexp{Op: syntax.OpEmptyMatch}
	return &syntax.Regexp{Op: syntax.OpCapture, Cap: n, Sub: []*syntax.Regexp{empty}}, single, nil
}

// width returns how many code points an expression matches: at least and at most.
func width(re *syntax.Regexp) (least, most int) {
	const many = 1 << 30
	switch re.Op {
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		return 1, 1
	case syntax.OpAlternate:
		least = many
	}
	for _, sub := range re.Sub {
		lo, hi := width(sub)
		if re.Op == syntax.OpAlternate {
			least, most = min(least, lo), max(most, hi)
		} else {
			least, most = min(least+lo, many), min(most+hi, many)
		}
	}
	repeat := func(lo, hi int) (int, int) { return min(least*lo, many), min(most*hi, many) }
	switch re.Op {
	case syntax.OpStar:
		return repeat(0, many)
	case syntax.OpPlus:
		return repeat(1, many)
	case syntax.OpQuest:
		return repeat(0, 1)
	case syntax.OpRepeat:
		if re.Max < 0 {
			return repeat(re.Min, many)
		}
		return repeat(re.Min, re.Max)
	}
	return least, most
}

// isIdentifier reports whether Python takes s for a name. It knows only ASCII names.
func isIdentifier(s string) bool {
	for i, r := range s {
		if r >= utf8.RuneSelf || !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// scopedFlags takes the flags of a group like (?i: after the question mark.
func (p *parser) scopedFlags() error {
	names := map[string]string{"P=": "back reference (?P=…)", "(": "conditional (?(…)…)", ">": "atomic group (?>…)"}
	for start, name := range names {
		if strings.HasPrefix(string(p.rest[:min(len(p.rest), 2)]), start) {
			return fmt.Errorf("the %s is not implemented", name)
		}
	}
	on, last := true, rune(0)
	for n := 0; ; n++ {
		r := p.take()
		switch r {
		case 'i':
			p.ignoreCase = on
		case 's':
			p.dotAll = on
		case '-':
			if !on {
				return fmt.Errorf("bad flags of a group")
			}
			on = false
		case ':':
			if n == 0 || last == '-' {
				return fmt.Errorf("bad flags of a group")
			}
			return nil
		default:
			return fmt.Errorf("the extension (?%s is not implemented", string(append([]rune{r}, p.rest[:min(len(p.rest), 5)]...)))
		}
		last = r
	}
}
