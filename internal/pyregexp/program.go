package pyregexp

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"
)

// program is what a machine runs: instructions for symbols.
type program struct {
	insts []inst
	start uint32
	tests []int // the numbers of the compiler's tests that it uses
	looks bool  // it has opLook
}

// inst is an instruction.
type inst struct {
	op       op
	test     int // opRune, opBefore, opAfter, opWord, opNoWord: symbols, see program.tests
	look     int // opLook: a lookaround
	out, arg uint32
}

type op uint8

const (
	opFail   op = iota
	opMatch     // the end
	opAlt       // go on at out and at arg, out first
	opRune      // take a code point with a symbol of test
	opBefore    // the symbol before this place is in test
	opAfter     // the symbol after this place is in test
	opWord      // a word begins or ends here; test has the symbols of words
	opNoWord    // the opposite
	opLook      // a lookaround holds here
)

// compiler turns the regular expressions of one alphabet into programs.
type compiler struct {
	sets     []runeSet
	known    map[string]bool // the sets
	alphabet *alphabet

	tests   [][]bool       // by test and symbol
	numbers map[string]int // of the tests
	bySet   map[string]int // the tests of sets
}

// add adds a set for which the alphabet must have symbols.
func (c *compiler) add(s runeSet) {
	if key := s.key(); !c.known[key] {
		c.known[key] = true
		c.sets = append(c.sets, s)
	}
}

// addSets adds the sets of an expression.
func (c *compiler) addSets(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpCharClass:
		c.add(re.Rune)
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		c.add(wordClass())
	}
	for _, sub := range re.Sub {
		c.addSets(sub)
	}
}

// test returns the number of the test for a set.
func (c *compiler) test(s runeSet) int {
	key := s.key()
	n, ok := c.bySet[key]
	if !ok {
		n = c.number(c.alphabet.members(s))
		c.bySet[key] = n
	}
	return n
}

// testWith returns the number of the test for a set and more symbols.
func (c *compiler) testWith(s runeSet, more ...symbol) int {
	in := c.alphabet.members(s)
	for _, x := range more {
		in[x] = true
	}
	return c.number(in)
}

func (c *compiler) number(in []bool) int {
	key := make([]byte, len(in))
	for i := range in {
		if in[i] {
			key[i] = 1
		}
	}
	n, ok := c.numbers[string(key)]
	if !ok {
		n = len(c.tests)
		c.tests = append(c.tests, in)
		c.numbers[string(key)] = n
	}
	return n
}

// program compiles an expression. looks has the lookarounds that it may refer to.
func (c *compiler) program(re *syntax.Regexp, multiline bool, looks []*look) (*program, error) {
	g := &generator{compiler: c, program: &program{}, multiline: multiline, around: looks}
	g.start = g.gen(re, g.add(inst{op: opMatch}))
	if g.full() {
		return nil, errTooLarge
	}
	g.renumber()
	return g.program, nil
}

// generator makes the instructions of a program, from its end to its start.
type generator struct {
	*compiler
	*program
	multiline bool
	around    []*look
}

func (g *generator) full() bool { return len(g.insts) > maxInstructions }

func (g *generator) add(in inst) uint32 {
	g.insts = append(g.insts, in)
	return uint32(len(g.insts) - 1)
}

// alt adds an instruction that goes on at more, and at done. If lazy, done comes first.
func (g *generator) alt(more, done uint32, lazy bool) uint32 {
	if lazy {
		more, done = done, more
	}
	return g.add(inst{op: opAlt, out: more, arg: done})
}

// gen adds the instructions of an expression after which next comes. It returns the first
// one. When there are too many, it stops.
func (g *generator) gen(re *syntax.Regexp, next uint32) uint32 {
	lazy := re.Flags&syntax.NonGreedy != 0
	if g.full() {
		return next
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return g.add(inst{op: opFail})
	case syntax.OpCharClass:
		return g.add(inst{op: opRune, test: g.test(re.Rune), out: next})
	case syntax.OpAnyChar:
		return g.add(inst{op: opRune, test: g.test(anyRune), out: next})
	case syntax.OpAnyCharNotNL:
		return g.add(inst{op: opRune, test: g.test(anyNotNL), out: next})
	case syntax.OpCapture: // see parser.look
		return g.add(g.lookaround(g.around[re.Cap], next))
	case syntax.OpConcat:
		for i := len(re.Sub) - 1; i >= 0; i-- {
			next = g.gen(re.Sub[i], next)
		}
		return next
	case syntax.OpAlternate:
		first := g.gen(re.Sub[len(re.Sub)-1], next)
		for i := len(re.Sub) - 2; i >= 0; i-- {
			first = g.alt(g.gen(re.Sub[i], next), first, false)
		}
		return first
	case syntax.OpQuest:
		return g.alt(g.gen(re.Sub[0], next), next, lazy)
	case syntax.OpStar:
		loop, _ := g.loop(re.Sub[0], next, lazy)
		return loop
	case syntax.OpPlus:
		_, once := g.loop(re.Sub[0], next, lazy)
		return once
	case syntax.OpRepeat:
		return g.repeat(re, next, lazy)
	case syntax.OpEmptyMatch:
		return next
	}
	return g.add(g.place(re.Op, next))
}

// repeat adds the instructions of an expression that is repeated Min to Max times.
func (g *generator) repeat(re *syntax.Regexp, next uint32, lazy bool) uint32 {
	sub, least := re.Sub[0], re.Min
	switch {
	case re.Max >= 0:
		for done, i := next, re.Min; i < re.Max && !g.full(); i++ {
			next = g.alt(g.iteration(sub, next, done), done, lazy)
		}
	case least == 0:
		next, _ = g.loop(sub, next, lazy)
	default:
		_, next = g.loop(sub, next, lazy)
		least--
	}
	for i := 0; i < least && !g.full(); i++ {
		next = g.gen(sub, next)
	}
	return next
}

// loop adds the instructions of an expression that is repeated. The loop begins at loop, or
// at once if the expression must be there once.
func (g *generator) loop(sub *syntax.Regexp, next uint32, lazy bool) (loop, once uint32) {
	loop = g.add(inst{})
	once = g.iteration(sub, loop, next)
	in := inst{op: opAlt, out: once, arg: next}
	if lazy {
		in.out, in.arg = next, once
	}
	g.insts[loop] = in
	return loop, once
}

// iteration adds the instructions of an expression that is repeated, for once. They go on at
// more, where the expression may follow again, or at done.
//
// In Python an iteration that matches nothing is the last one. So if the expression can
// match nothing, its instructions are there twice: in those that begin, nothing has been
// matched yet. They go on at done, and after the first code point in the others.
func (g *generator) iteration(sub *syntax.Regexp, more, done uint32) uint32 {
	from := len(g.insts)
	once := g.gen(sub, more)
	if least, _ := width(sub); least > 0 {
		return once
	}
	middle := len(g.insts)
	once = g.gen(sub, done)
	for i := middle; i < len(g.insts); i++ {
		if in := &g.insts[i]; in.op == opRune {
			if in.out >= uint32(middle) {
				in.out -= uint32(middle - from)
			} else {
				in.out = more
			}
		}
	}
	return once
}

// renumber lets the instructions refer to program.tests instead of compiler.tests.
func (p *program) renumber() {
	numbers := map[int]int{}
	for i := range p.insts {
		switch in := &p.insts[i]; in.op {
		case opRune, opBefore, opAfter, opWord, opNoWord:
			n, ok := numbers[in.test]
			if !ok {
				n = len(p.tests)
				numbers[in.test] = n
				p.tests = append(p.tests, in.test)
			}
			in.test = n
		}
	}
}

var errTooLarge = fmt.Errorf("it needs more than %d instructions", maxInstructions)

// place returns the instruction for a place such as ^.
func (g *generator) place(op syntax.Op, next uint32) inst {
	edge, last, newline := g.alphabet.edge(), g.alphabet.lastNewline(), runeSet{'\n', '\n'}
	in := inst{out: next}
	switch op {
	case syntax.OpBeginText:
		in.op, in.test = opBefore, g.testWith(nil, edge)
	case syntax.OpBeginLine:
		in.op, in.test = opBefore, g.testWith(newline, edge)
	case syntax.OpEndText:
		in.op, in.test = opAfter, g.testWith(nil, edge)
	case syntax.OpEndLine: // $
		in.op, in.test = opAfter, g.testWith(nil, edge, last)
		if g.multiline {
			in.test = g.testWith(newline, edge)
		}
	case syntax.OpWordBoundary:
		in.op, in.test = opWord, g.test(wordClass())
	case syntax.OpNoWordBoundary:
		in.op, in.test = opNoWord, g.test(wordClass())
	}
	return in
}

// lookaround returns the instruction for a lookaround. If the lookaround is for one code
// point, the instruction needs only the symbol before its place or after it.
func (g *generator) lookaround(l *look, next uint32) inst {
	if !l.isSet {
		g.looks = true
		return inst{op: opLook, look: l.number, out: next}
	}
	in := g.alphabet.members(l.set)
	if l.negative {
		for i := range in {
			in[i] = !in[i] // also the edge
		}
	}
	if l.behind {
		return inst{op: opBefore, test: g.number(in), out: next}
	}
	return inst{op: opAfter, test: g.number(in), out: next}
}

var (
	anyRune  = runeSet{0, unicode.MaxRune}
	anyNotNL = runeSet{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
)

// setOf returns the set of an expression that takes one code point, whatever comes before
// it or after it.
func setOf(re *syntax.Regexp) (s runeSet, ok bool) {
	switch re.Op {
	case syntax.OpCharClass:
		return re.Rune, true
	case syntax.OpNoMatch:
		return nil, true
	case syntax.OpAnyChar:
		return anyRune, true
	case syntax.OpAnyCharNotNL:
		return anyNotNL, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			one, ok := setOf(sub)
			if !ok {
				return nil, false
			}
			s = append(s, one...)
		}
		return s.normal(), true
	}
	return nil, false
}

// reversed returns the expression for the same texts, read from their end to their start.
func reversed(re *syntax.Regexp) *syntax.Regexp {
	out := *re
	out.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		out.Sub[i] = reversed(sub)
	}
	if re.Op == syntax.OpConcat {
		slices.Reverse(out.Sub)
	}
	return &out
}

// only reports whether every match of an expression begins, or if last ends, at a place
// that is.
func only(re *syntax.Regexp, last bool, is func(syntax.Op) bool) bool {
	switch re.Op {
	case syntax.OpConcat:
		if last {
			return only(re.Sub[len(re.Sub)-1], last, is)
		}
		return only(re.Sub[0], last, is)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !only(sub, last, is) {
				return false
			}
		}
		return true
	}
	return is(re.Op)
}

// looksAround reports whether an expression has a lookaround of more than one code point.
func looksAround(re *syntax.Regexp, looks []*look) bool {
	if re.Op == syntax.OpCapture && !looks[re.Cap].isSet {
		return true
	}
	for _, sub := range re.Sub {
		if looksAround(sub, looks) {
			return true
		}
	}
	return false
}
