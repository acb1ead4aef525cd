// Package pyregexp searches for regular expressions of Python's module re. The matches are
// those of Python 3.12.
//
//	set, err := pyregexp.CompileSet(`(?<=[a-z])-(?=[a-z])`, `\.$`)
//	…
//	t := set.NewText()
//	t.Reset("well-known.")
//	start, end, ok := set.Find(t, 1, 0, len("well-known."))
//
// A search needs a time that grows linearly with the text, for every expression. So what
// needs another time is an error of Compile: references to groups (\1), conditionals,
// atomic groups and possessive quantifiers. The search for all matches, [Set.FindAll], can
// need a time that grows with the square of the text, as in every such program. So there is
// a limit for it, [Text.Allow].
//
//	pattern ── parser: expressions of regexp/syntax (parse.go, class.go, group.go)
//	             │ compiler: instructions for symbols of an alphabet (program.go)
//	             ▼
//	           machines, which compute their states when they need them (machine.go)
//	             │ run over the symbols of a text (text.go)
//	             ▼
//	           places of matches
package pyregexp

import (
	"fmt"
	"regexp/syntax"
	"sync"
)

// Set is a number of regular expressions that search in the same texts. Its methods may be
// called by several goroutines at once, each with a Text of its own.
type Set struct {
	alphabet *alphabet
	exprs    []expr
	looks    []*look
}

// expr is an expression of a set.
type expr struct {
	first   *machine // finds the end of the match that begins at a place
	starts  *machine // finds where matches begin, from the end of a text on; nil if atStart
	atStart bool     // a match can only begin at the start of a text
}

// look is a lookahead or, if behind, a lookbehind.
type look struct {
	number           int
	behind, negative bool
	set              runeSet // what it looks for, if isSet
	isSet            bool    // it looks for one code point: then there is no machine
	near             bool    // it sees few code points: then it looks when it is asked
	machine          *machine
}

// maxNear is how many code points a lookaround that is near sees at most.
const maxNear = 200

// Error is the error of one of the expressions of a set.
type Error struct {
	Index int // of the expression
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// CompileSet returns the expressions as a set. It fails with an [Error] if Python refuses
// an expression, or if an expression needs what cannot be searched for in linear time.
func CompileSet(patterns ...string) (*Set, error) {
	s := &Set{}
	c, parsed, err := s.parse(patterns)
	if err != nil {
		return nil, err
	}
	for i, p := range parsed {
		e := expr{atStart: only(p.re, false, func(op syntax.Op) bool { return op == syntax.OpBeginText })}
		e.first, err = c.machine(p, p.re, mode{ordered: true})
		if err == nil && !e.atStart {
			begin := everywhere
			if only(p.re, true, func(op syntax.Op) bool { return op == syntax.OpEndText || op == syntax.OpEndLine && !p.multiline }) {
				begin = beforeLastNewline
			}
			e.starts, err = c.machine(p, p.re, mode{backward: true, begin: begin})
		}
		if err != nil {
			return nil, &Error{i, err}
		}
		s.exprs = append(s.exprs, e)
	}
	return s, nil
}

// parsed is a parsed expression with its lookarounds.
type parsed struct {
	*parser
	re    *syntax.Regexp
	looks []*look
}

// parse parses the expressions, and makes the alphabet and the lookarounds of the set.
func (s *Set) parse(patterns []string) (*compiler, []parsed, error) {
	c := &compiler{known: map[string]bool{}, numbers: map[string]int{}, bySet: map[string]int{}}
	c.add(runeSet{'\n', '\n'})
	var all []parsed
	for i, pattern := range patterns {
		p, re, err := parse(pattern)
		if err != nil {
			return nil, nil, &Error{i, err}
		}
		one := parsed{parser: p, re: re}
		c.addSets(re)
		for _, a := range p.lookaround {
			l := &look{behind: a.behind, negative: a.negative}
			if l.set, l.isSet = setOf(a.re); l.isSet {
				c.add(l.set)
			} else {
				l.number = len(s.looks)
				s.looks = append(s.looks, l)
				c.addSets(a.re)
			}
			one.looks = append(one.looks, l)
		}
		if len(s.looks) > maxLooks {
			return nil, nil, &Error{i, fmt.Errorf("it needs more than %d lookarounds of several code points", maxLooks)}
		}
		all = append(all, one)
	}
	var err error
	if c.alphabet, err = newAlphabet(c.sets); err != nil {
		return nil, nil, &Error{0, err}
	}
	for i, p := range all {
		for k, a := range p.lookaround {
			if p.looks[k].isSet {
				continue
			}
			if err := c.look(p, p.looks[k], a); err != nil {
				return nil, nil, &Error{i, err}
			}
		}
	}
	s.alphabet = c.alphabet
	return c, all, nil
}

// look makes the machine of a lookaround.
func (c *compiler) look(p parsed, l *look, a lookaround) (err error) {
	_, most := width(a.re)
	l.near = most <= maxNear && !looksAround(a.re, p.looks)
	m := mode{backward: l.behind == l.near}
	if !l.near {
		m.begin = everywhere
	}
	l.machine, err = c.machine(p, a.re, m)
	return err
}

// machine makes a machine for an expression.
func (c *compiler) machine(p parsed, re *syntax.Regexp, m mode) (*machine, error) {
	if m.backward {
		re = reversed(re)
	}
	prog, err := c.program(re, p.multiline, p.looks)
	if err != nil {
		return nil, err
	}
	if p.insts += len(prog.insts); p.insts > 2*maxInstructions { // of both directions
		return nil, errTooLarge
	}
	return c.newMachine(prog, m), nil
}

// Find returns the first match of an expression in t[lo:hi], as re.search does.
func (s *Set) Find(t *Text, index, lo, hi int) (start, end int, ok bool) {
	e := &s.exprs[index]
	start = lo
	if !e.atStart {
		if !t.sweep(e.starts, hi, lo, hi, true, func(p int) { start = p }) {
			return 0, 0, false
		}
	}
	end = t.forward(e.first, start, lo, hi, false, false)
	return start, end, end >= 0
}

// Match reports whether an expression matches at the start of t[lo:hi], as re.match does.
func (s *Set) Match(t *Text, index, lo, hi int) bool {
	return t.forward(s.exprs[index].first, lo, lo, hi, false, true) >= 0
}

// Match is the place of a match.
type Match struct{ Start, End int }

// FindAll appends the matches of an expression in t[lo:hi] to dst, as re.finditer finds
// them.
func (s *Set) FindAll(t *Text, index, lo, hi int, dst []Match) []Match {
	e := &s.exprs[index]
	t.starts = t.starts[:0]
	if e.atStart {
		t.starts = append(t.starts, lo)
	} else {
		t.sweep(e.starts, hi, lo, hi, true, func(p int) { t.starts = append(t.starts, p) })
	}
	// at is where the last match ended. After an empty match the next one is not empty, if it
	// begins at the same place.
	at, empty := lo, -1
	for i := len(t.starts) - 1; i >= 0 && t.err == nil; {
		p := t.starts[i]
		if p < at {
			i--
			continue
		}
		end := t.forward(e.first, p, lo, hi, p == empty, false)
		if end < 0 {
			i--
			continue
		}
		dst = append(dst, Match{p, end})
		at, empty = end, -1
		if p == end {
			empty = end
		}
	}
	return dst
}

// Regexp is a regular expression. Several goroutines may use it at once.
type Regexp struct {
	set   *Set
	ends  *machine // finds where matches end
	texts sync.Pool
}

// Compile returns a regular expression. It fails as [CompileSet] does.
func Compile(pattern string) (*Regexp, error) {
	re := &Regexp{set: &Set{}}
	c, parsed, err := re.set.parse([]string{pattern})
	if err == nil {
		re.ends, err = c.machine(parsed[0], parsed[0].re, mode{begin: everywhere})
	}
	if err != nil {
		return nil, err
	}
	re.texts.New = func() any { return &Text{set: re.set, looks: make([]looksOf, len(re.set.looks))} }
	return re, nil
}

// Search reports whether the expression matches anywhere in text, as re.search does.
func (re *Regexp) Search(text string) bool {
	t := re.texts.Get().(*Text)
	defer re.texts.Put(t)
	t.Reset(text)
	return t.sweep(re.ends, 0, 0, len(text), false, nil)
}
