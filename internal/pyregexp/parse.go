package pyregexp

import (
	"fmt"
	"regexp/syntax"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxInstructions is how large the program of a regular expression may be. A repetition
// like {1000} repeats the part of the program that it stands for.
const maxInstructions = 10_000

// maxGroups is how deep the groups of a regular expression may be nested.
const maxGroups = 100

// parser turns a regular expression of Python's re into the form of regexp/syntax. It
// refuses what it does not know.
type parser struct {
	rest       []rune
	ignoreCase bool
	multiline  bool
	dotAll     bool
	depth      int
	lookaround []lookaround
	names      []string // of groups
	insts      int      // of its programs
	sets       map[foldedSet]runeSet
}

// foldedSet is the text of a set, and whether it ignores the case.
type foldedSet struct {
	text       string
	ignoreCase bool
}

// lookaround is a lookahead or, if behind, a lookbehind.
type lookaround struct {
	re               *syntax.Regexp
	behind, negative bool

	source             string // its text in the pattern
	ignoreCase, dotAll bool
}

// same reports whether two lookarounds are the same.
func (l lookaround) same(o lookaround) bool {
	return l.source == o.source && l.behind == o.behind && l.negative == o.negative && l.ignoreCase == o.ignoreCase && l.dotAll == o.dotAll
}

// parse returns a regular expression, and the parser with its flags and what it looks
// around for.
func parse(pattern string) (*parser, *syntax.Regexp, error) {
	if !utf8.ValidString(pattern) {
		return nil, nil, fmt.Errorf("it is not valid UTF-8")
	}
	p := &parser{rest: []rune(pattern)}
	if err := p.globalFlags(); err != nil {
		return nil, nil, err
	}
	re, err := p.alternatives()
	if err == nil && len(p.rest) > 0 {
		err = fmt.Errorf("unbalanced parenthesis")
	}
	return p, re, err
}

func (p *parser) next() rune {
	if len(p.rest) == 0 {
		return -1
	}
	return p.rest[0]
}

func (p *parser) take() rune {
	r := p.next()
	if r >= 0 {
		p.rest = p.rest[1:]
	}
	return r
}

// accept takes s if it comes next.
func (p *parser) accept(s string) bool {
	n := utf8.RuneCountInString(s)
	if len(p.rest) < n || string(p.rest[:n]) != s {
		return false
	}
	p.rest = p.rest[n:]
	return true
}

// globalFlags takes flags like (?i) at the start of the expression.
func (p *parser) globalFlags() error {
	for {
		left := p.rest
		if !p.accept("(?") {
			return nil
		}
		n := 0
		for n < len(p.rest) && unicode.IsLetter(p.rest[n]) {
			n++
		}
		if n == 0 || n == len(p.rest) || p.rest[n] != ')' {
			p.rest = left
			return nil
		}
		for _, f := range p.rest[:n] {
			switch f {
			case 'i':
				p.ignoreCase = true
			case 'm':
				p.multiline = true
			case 's':
				p.dotAll = true
			case 'u':
			default:
				return fmt.Errorf("the flag (?%c) is not implemented", f)
			}
		}
		p.rest = p.rest[n+1:]
	}
}

// alternatives takes an expression up to a closing parenthesis or the end.
func (p *parser) alternatives() (*syntax.Regexp, error) {
	if p.depth++; p.depth > maxGroups {
		return nil, fmt.Errorf("its groups are nested more than %d deep", maxGroups)
	}
	defer func() { p.depth-- }()
	var subs []*syntax.Regexp
	for {
		re, err := p.sequence()
		if err != nil {
			return nil, err
		}
		subs = append(subs, re)
		if !p.accept("|") {
			break
		}
	}
	if len(subs) == 1 {
		return subs[0], nil
	}
	return &syntax.Regexp{Op: syntax.OpAlternate, Sub: subs}, nil
}

func (p *parser) sequence() (*syntax.Regexp, error) {
	var subs []*syntax.Regexp
	var kind itemKind // of the last item
	for {
		switch r := p.next(); r {
		case -1, '|', ')':
			switch len(subs) {
			case 0:
				return &syntax.Regexp{Op: syntax.OpEmptyMatch}, nil
			case 1:
				return subs[0], nil
			}
			return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs}, nil
		case '*', '+', '?', '{':
			least, most, ok, err := p.quantifier()
			switch {
			case err != nil:
				return nil, err
			case !ok:
				subs, kind = append(subs, p.class(runeSet{'{', '{'})), single
				continue
			case kind == nothing || kind == place:
				return nil, fmt.Errorf("nothing to repeat before %q", string(r))
			case kind == repeated:
				return nil, fmt.Errorf("multiple repeat at %q", string(r))
			}
			if p.accept("+") {
				return nil, fmt.Errorf("possessive quantifiers like *+ are not implemented")
			}
			last := len(subs) - 1
			subs[last], kind = repeat(subs[last], least, most, p.accept("?")), repeated
		default:
			re, k, err := p.item()
			if err != nil {
				return nil, err
			}
			if k == comment {
				continue
			}
			subs, kind = append(subs, re), k
		}
	}
}

// itemKind says what a quantifier can do with an item.
type itemKind int

const (
	nothing  itemKind = iota
	single            // it can be repeated
	place             // ^, $ and the like: it cannot
	repeated          // it has a quantifier already
	comment           // it is no item
)

func repeat(re *syntax.Regexp, least, most int, lazy bool) *syntax.Regexp {
	out := &syntax.Regexp{Op: syntax.OpRepeat, Min: least, Max: most, Sub: []*syntax.Regexp{re}}
	switch {
	case least == 0 && most < 0:
		out.Op = syntax.OpStar
	case least == 1 && most < 0:
		out.Op = syntax.OpPlus
	case least == 0 && most == 1:
		out.Op = syntax.OpQuest
	}
	if lazy {
		out.Flags = syntax.NonGreedy
	}
	return out
}

// quantifier takes a quantifier. most is -1 for "any number". ok is false for a brace that
// Python takes as a character: it is taken then.
func (p *parser) quantifier() (least, most int, ok bool, err error) {
	switch p.take() {
	case '*':
		return 0, -1, true, nil
	case '+':
		return 1, -1, true, nil
	case '?':
		return 0, 1, true, nil
	}
	left := p.rest
	if p.next() == '}' {
		return 0, 0, false, nil
	}
	lo := p.digits()
	hi := lo
	if p.accept(",") {
		hi = p.digits()
	}
	if !p.accept("}") {
		p.rest = left
		return 0, 0, false, nil
	}
	least, most = 0, -1
	if lo != "" {
		if least, err = strconv.Atoi(lo); err != nil || least > maxInstructions {
			return 0, 0, false, fmt.Errorf("the repetition {%s} is too large", lo)
		}
	}
	if hi != "" {
		if most, err = strconv.Atoi(hi); err != nil || most > maxInstructions {
			return 0, 0, false, fmt.Errorf("the repetition {%s} is too large", hi)
		}
		if most < least {
			return 0, 0, false, fmt.Errorf("min repeat greater than max repeat: {%s,%s}", lo, hi)
		}
	}
	return least, most, true, nil
}

func (p *parser) digits() string {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

// class returns an expression for one code point of the set.
func (p *parser) class(s runeSet) *syntax.Regexp {
	if p.ignoreCase {
		s = s.normal().ignoreCase()
	}
	return classOf(s.normal())
}

func classOf(s runeSet) *syntax.Regexp {
	if len(s) == 0 {
		return &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	return &syntax.Regexp{Op: syntax.OpCharClass, Rune: s}
}

// item takes one item: a character, a class, a place or a group.
func (p *parser) item() (*syntax.Regexp, itemKind, error) {
	at := func(op syntax.Op) (*syntax.Regexp, itemKind, error) { return &syntax.Regexp{Op: op}, place, nil }
	switch r := p.take(); r {
	case '.':
		if p.dotAll {
			return &syntax.Regexp{Op: syntax.OpAnyChar}, single, nil
		}
		return &syntax.Regexp{Op: syntax.OpAnyCharNotNL}, single, nil
	case '^':
		if p.multiline {
			return at(syntax.OpBeginLine)
		}
		return at(syntax.OpBeginText)
	case '$':
		return at(syntax.OpEndLine) // program.go knows what that means
	case '[':
		re, err := p.set()
		return re, single, err
	case '(':
		return p.group()
	case '\\':
		return p.escape()
	default:
		return p.class(runeSet{r, r}), single, nil
	}
}
