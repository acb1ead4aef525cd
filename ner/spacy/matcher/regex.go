package matcher

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"sync"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// regex is a regular expression of Python's re. Package regexp/syntax compiles it. The
// programs run here, because \b and $ mean something else in Go, and Go has no lookaround.
// A search needs a time that grows linearly with the text, for every expression.
type regex struct {
	prog       *syntax.Prog
	lookaround []lookaround // each may refer to earlier ones
	multiline  bool
	searches   sync.Pool // of *search
}

// lookaround is the program of a lookahead or a lookbehind. The program of a lookahead is
// that of the reversed expression: it runs from the end of the text to its start.
type lookaround struct {
	prog     *syntax.Prog
	backward bool
	negative bool
}

// compileRegex returns the regular expression, or an error if Python refuses it, or if it
// needs what a program without memory cannot do, such as a reference to a group.
func compileRegex(pattern string) (*regex, error) {
	p, re, err := parseRegex(pattern)
	if err != nil {
		return nil, err
	}
	r := &regex{multiline: p.multiline}
	if r.prog, err = compileProgram(re); err != nil {
		return nil, err
	}
	n := len(r.prog.Inst)
	for _, a := range p.lookaround {
		re := a.re
		if !a.behind {
			re = reversed(re)
		}
		prog, err := compileProgram(re)
		if err != nil {
			return nil, err
		}
		n += len(prog.Inst)
		r.lookaround = append(r.lookaround, lookaround{prog, !a.behind, a.negative})
	}
	if n > maxInstructions {
		return nil, fmt.Errorf("it needs more than %d instructions", maxInstructions)
	}
	r.searches.New = func() any {
		return &search{regex: r, seen: make([]uint32, n), holds: make([][]bool, len(r.lookaround))}
	}
	return r, nil
}

func compileProgram(re *syntax.Regexp) (*syntax.Prog, error) {
	if size(re) > maxInstructions {
		return nil, fmt.Errorf("it needs more than %d instructions", maxInstructions)
	}
	return syntax.Compile(re.Simplify())
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

// search has the memory of a search in one text.
type search struct {
	*regex
	text  []rune
	holds [][]bool // by lookaround and place: whether it holds there

	now, next []uint32 // the instructions that run at this place, and at the next one
	seen      []uint32 // by instruction: the step at which it was added
	step      uint32
	stack     []uint32
}

// search reports whether the expression matches anywhere in text, as re.search does.
func (re *regex) search(text string) bool {
	s := re.searches.Get().(*search)
	defer re.searches.Put(s)
	s.text = s.text[:0]
	for _, r := range text {
		s.text = append(s.text, r)
	}
	for i, a := range re.lookaround {
		holds := slices.Grow(s.holds[i][:0], len(s.text)+1)[:len(s.text)+1]
		s.holds[i] = holds
		s.run(a.prog, a.backward, func(at int, matches bool) bool {
			holds[at] = matches != a.negative
			return false
		})
	}
	found := false
	s.run(re.prog, false, func(_ int, matches bool) bool {
		found = matches
		return matches
	})
	return found
}

// run runs a program, which may begin at every place of the text. It calls at for each
// place, with whether a match ends there, until at returns true.
func (s *search) run(prog *syntax.Prog, backward bool, at func(place int, matches bool) bool) {
	s.now = s.now[:0]
	for i := 0; ; i++ {
		place, rune := i, i
		if backward {
			place, rune = len(s.text)-i, len(s.text)-i-1
		}
		if s.step++; s.step == 0 {
			clear(s.seen)
			s.step = 1
		}
		s.next = s.next[:0]
		matches, flags := false, s.place(place)
		for _, pc := range s.now {
			matches = s.follow(prog, pc, place, flags) || matches
		}
		matches = s.follow(prog, uint32(prog.Start), place, flags) || matches
		if at(place, matches) || i == len(s.text) {
			return
		}
		s.now = s.now[:0]
		for _, pc := range s.next {
			if in := &prog.Inst[pc]; in.MatchRune(s.text[rune]) {
				s.now = append(s.now, in.Out)
			}
		}
	}
}

// follow adds the instructions that read a code point and can be reached from pc at a place
// to s.next. It returns true if the end of the program can be reached.
func (s *search) follow(prog *syntax.Prog, pc uint32, place int, flags syntax.EmptyOp) (matches bool) {
	s.stack = append(s.stack[:0], pc)
	for len(s.stack) > 0 {
		last := len(s.stack) - 1
		pc := s.stack[last]
		s.stack = s.stack[:last]
		if s.seen[pc] == s.step {
			continue
		}
		s.seen[pc] = s.step
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstMatch:
			matches = true
		case syntax.InstAlt, syntax.InstAltMatch:
			s.stack = append(s.stack, in.Arg, in.Out)
		case syntax.InstNop:
			s.stack = append(s.stack, in.Out)
		case syntax.InstCapture: // see regexParser.look
			if in.Arg%2 == 1 || s.holds[in.Arg/2][place] {
				s.stack = append(s.stack, in.Out)
			}
		case syntax.InstEmptyWidth:
			if need := syntax.EmptyOp(in.Arg); need&^flags == 0 {
				s.stack = append(s.stack, in.Out)
			}
		case syntax.InstFail:
		default:
			s.next = append(s.next, pc)
		}
	}
	return matches
}

// place returns what a place of the text is: the start, the end, the boundary of a word.
// EmptyEndLine is Python's $.
func (s *search) place(at int) syntax.EmptyOp {
	var p syntax.EmptyOp
	before, after := at > 0, at < len(s.text)
	if !before {
		p |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	} else if s.text[at-1] == '\n' {
		p |= syntax.EmptyBeginLine
	}
	if !after {
		p |= syntax.EmptyEndText | syntax.EmptyEndLine
	} else if s.text[at] == '\n' && (s.multiline || at == len(s.text)-1) {
		p |= syntax.EmptyEndLine
	}
	switch {
	case len(s.text) == 0: // in Python neither \b nor \B matches there
	case (before && tokenizer.IsWord(s.text[at-1])) != (after && tokenizer.IsWord(s.text[at])):
		p |= syntax.EmptyWordBoundary
	default:
		p |= syntax.EmptyNoWordBoundary
	}
	return p
}
