package matcher

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxInstructions is how large the program of a regular expression may be. A repetition
// like {1000} repeats the part of the program that it stands for.
const maxInstructions = 10_000

// maxGroups is how deep the groups of a regular expression may be nested.
const maxGroups = 100

// regexParser turns a regular expression of Python's re into the form of regexp/syntax. It
// refuses what it does not know.
type regexParser struct {
	rest       []rune
	ignoreCase bool
	multiline  bool
	dotAll     bool
	depth      int
	lookaround []lookaroundRegex
}

// lookaroundRegex is a lookahead or, if behind, a lookbehind.
type lookaroundRegex struct {
	re               *syntax.Regexp
	behind, negative bool
}

// parseRegex returns a regular expression, and the parser with its flags and what it looks
// around for.
func parseRegex(pattern string) (*regexParser, *syntax.Regexp, error) {
	if !utf8.ValidString(pattern) {
		return nil, nil, fmt.Errorf("it is not valid UTF-8")
	}
	p := &regexParser{rest: []rune(pattern)}
	if err := p.globalFlags(); err != nil {
		return nil, nil, err
	}
	re, err := p.alternatives()
	if err == nil && len(p.rest) > 0 {
		err = fmt.Errorf("unbalanced parenthesis")
	}
	return p, re, err
}

// size returns about how many instructions re needs: more than maxInstructions if there are
// too many.
func size(re *syntax.Regexp) int {
	n := 1
	for _, sub := range re.Sub {
		n = min(n+size(sub), maxInstructions+1)
	}
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	if re.Op == syntax.OpRepeat {
		n = min(n*max(1, re.Min, re.Max), maxInstructions+1)
	}
	return n
}

func (p *regexParser) next() rune {
	if len(p.rest) == 0 {
		return -1
	}
	return p.rest[0]
}

func (p *regexParser) take() rune {
	r := p.next()
	if r >= 0 {
		p.rest = p.rest[1:]
	}
	return r
}

// accept takes s if it comes next.
func (p *regexParser) accept(s string) bool {
	n := utf8.RuneCountInString(s)
	if len(p.rest) < n || string(p.rest[:n]) != s {
		return false
	}
	p.rest = p.rest[n:]
	return true
}

// globalFlags takes flags like (?i) at the start of the expression.
func (p *regexParser) globalFlags() error {
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
func (p *regexParser) alternatives() (*syntax.Regexp, error) {
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

func (p *regexParser) sequence() (*syntax.Regexp, error) {
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
			p.accept("?") // how much a quantifier takes does not change whether there is a match
			last := len(subs) - 1
			subs[last], kind = repeat(subs[last], least, most), repeated
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

func repeat(re *syntax.Regexp, least, most int) *syntax.Regexp {
	switch {
	case least == 0 && most < 0:
		return &syntax.Regexp{Op: syntax.OpStar, Sub: []*syntax.Regexp{re}}
	case least == 1 && most < 0:
		return &syntax.Regexp{Op: syntax.OpPlus, Sub: []*syntax.Regexp{re}}
	case least == 0 && most == 1:
		return &syntax.Regexp{Op: syntax.OpQuest, Sub: []*syntax.Regexp{re}}
	}
	return &syntax.Regexp{Op: syntax.OpRepeat, Min: least, Max: most, Sub: []*syntax.Regexp{re}}
}

// quantifier takes a quantifier. most is -1 for "any number". ok is false for a brace that
// Python takes as a character: it is taken then.
func (p *regexParser) quantifier() (least, most int, ok bool, err error) {
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

func (p *regexParser) digits() string {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

// class returns an expression for one code point of the set.
func (p *regexParser) class(s runeSet) *syntax.Regexp {
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
func (p *regexParser) item() (*syntax.Regexp, itemKind, error) {
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
		return at(syntax.OpEndLine) // regex.search knows what that means
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

// group takes a group after its opening parenthesis.
func (p *regexParser) group() (*syntax.Regexp, itemKind, error) {
	before := *p
	if p.accept("?") {
		for start, l := range map[string]lookaroundRegex{"=": {}, "!": {negative: true}, "<=": {behind: true}, "<!": {behind: true, negative: true}} {
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
func (p *regexParser) look(l lookaroundRegex) (*syntax.Regexp, itemKind, error) {
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
	p.lookaround = append(p.lookaround, l)
	empty := &syntax.Regexp{Op: syntax.OpEmptyMatch}
	return &syntax.Regexp{Op: syntax.OpCapture, Cap: len(p.lookaround) - 1, Sub: []*syntax.Regexp{empty}}, single, nil
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
func (p *regexParser) scopedFlags() error {
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

// escape takes an escape after its backslash, outside of a set.
func (p *regexParser) escape() (*syntax.Regexp, itemKind, error) {
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
func (p *regexParser) category() runeSet {
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
func (p *regexParser) escaped() (rune, error) {
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
func (p *regexParser) hex(n int) (rune, error) {
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
func (p *regexParser) set() (*syntax.Regexp, error) {
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
	if p.ignoreCase {
		chars = chars.normal().ignoreCase()
	}
	s := append(slices.Clone(chars), categories...).normal()
	if negate {
		s = s.not()
	}
	return classOf(s), nil
}

// setItem takes a code point or a category of a set.
func (p *regexParser) setItem() (r rune, category runeSet, err error) {
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
