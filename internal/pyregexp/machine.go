package pyregexp

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// machine runs a program over a text, forward or backward. It follows all ways through the
// program at once, so it sees each code point once. A state says where in the program it
// is. The machine computes a state and the steps between states when a text first needs
// them, and keeps them for later texts, up to maxMemory. Several goroutines may use a
// machine at once.
type machine struct {
	*program
	mode
	local  []symbol // maps the alphabet's symbols to those that the program tells apart
	count  int      // the symbols of the program
	has    [][]bool // by test and symbol of the program
	side   []symbol // by symbol: the first one that is the same for what looks back at it
	edge   symbol   // the program's symbol for alphabet.edge
	last   symbol   // the one for alphabet.lastNewline
	states atomic.Pointer[states]

	mu      sync.Mutex // for what follows
	memory  int
	stack   []uint32
	seen    []uint32 // by instruction: the step that came to it
	taken   []uint32 // by instruction: the step that goes on there
	step    uint32
	key     []byte
	visited int
}

// mode says how a machine runs its program.
type mode struct {
	backward bool // from the end of a text to its start
	// ordered: the first alternative of a pattern counts, as in Python. Otherwise every
	// match counts.
	ordered bool
	begin   where // where the program begins beside the place at which the machine begins
}

type where uint8

const (
	nowhere where = iota
	everywhere
	beforeLastNewline // where $ matches, too
)

// maxMemory is about how many bytes the states of a machine may take. A machine that has
// more forgets them.
const maxMemory = 8 << 20

// states are the states of a machine.
type states struct {
	byKey map[string]*state
	first []atomic.Pointer[state] // by the symbol that was passed, and by filled
}

// state is what a machine knows between two code points.
type state struct {
	at      []uint32 // the instructions to go on at, in their order
	passed  symbol   // what the machine has passed: the symbol before this place if it runs forward
	filled  bool     // a match must not be empty, and begins here
	matched bool     // a match ended at the place before passed
	dead    bool     // no match can follow
	next    []atomic.Pointer[state]

	// If the state after a symbol depends on lookarounds, next has a state that says on
	// which, and has the states in looked instead.
	looks  []int
	looked atomic.Pointer[map[looked]*state]
}

// looked is a symbol, and which lookarounds hold before it.
type looked struct {
	next  symbol
	holds [maxLooks / 64]uint64
}

// maxLooked is how many next states a state keeps if they depend on lookarounds.
const maxLooked = 500

// maxLooks is how many lookarounds of more than one code point there may be.
const maxLooks = 256

// newMachine returns a machine for a program of the compiler.
func (c *compiler) newMachine(p *program, m mode) *machine {
	mc := &machine{program: p, mode: m}
	edge, last := c.alphabet.edge(), c.alphabet.lastNewline()
	// Symbols that no test tells apart are one for this program.
	all, back := map[int]bool{c.number(c.alone(edge)): true}, map[int]bool{}
	for _, in := range p.insts {
		switch in.op {
		case opRune:
			all[p.tests[in.test]] = true
		case opBefore, opAfter:
			all[p.tests[in.test]] = true
			if (in.op == opBefore) != m.backward {
				back[p.tests[in.test]] = true
			}
		case opWord, opNoWord:
			all[p.tests[in.test]], back[p.tests[in.test]] = true, true
			back[c.number(c.alone(edge))] = true
		}
	}
	if m.begin == beforeLastNewline {
		all[c.number(c.alone(last))] = true
	}
	var samples []int
	mc.local, samples = c.group(all, upTo(c.alphabet.size()))
	mc.count = len(samples)
	mc.edge, mc.last = mc.local[edge], mc.local[last]
	for _, test := range p.tests {
		in := make([]bool, mc.count)
		for i, sample := range samples {
			in[i] = c.tests[test][sample]
		}
		mc.has = append(mc.has, in)
	}
	sides, firsts := c.group(back, samples)
	for _, s := range sides {
		mc.side = append(mc.side, symbol(slices.Index(samples, firsts[s])))
	}
	mc.states.Store(mc.newStates())
	return mc
}

// alone returns the members of a test for one symbol.
func (c *compiler) alone(s symbol) []bool {
	in := make([]bool, c.alphabet.size())
	in[s] = true
	return in
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// group puts symbols that the tests do not tell apart into a group. It returns the group of
// each symbol, and the first symbol of each group.
func (c *compiler) group(tests map[int]bool, symbols []int) (groups []symbol, first []int) {
	order := slices.Sorted(maps.Keys(tests))
	known := map[string]symbol{}
	key := make([]byte, len(order))
	for _, s := range symbols {
		for i, test := range order {
			key[i] = 0
			if c.tests[test][s] {
				key[i] = 1
			}
		}
		g, ok := known[string(key)]
		if !ok {
			g = symbol(len(first))
			known[string(key)] = g
			first = append(first, s)
		}
		groups = append(groups, g)
	}
	return groups, first
}

func (m *machine) newStates() *states {
	return &states{byKey: map[string]*state{}, first: make([]atomic.Pointer[state], 2*m.count)}
}

// start returns the state in which the machine begins behind a symbol.
func (m *machine) start(passed symbol, filled bool) *state {
	i := int(m.side[passed]) * 2
	if filled {
		i++
	}
	all := m.states.Load()
	if s := all.first[i].Load(); s != nil {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all = m.states.Load()
	s := m.state([]uint32{m.program.start}, m.side[passed], filled, false)
	all.first[i].Store(s)
	return s
}

// state returns the state with that content. m.mu is locked.
func (m *machine) state(at []uint32, passed symbol, filled, matched bool) *state {
	flags := byte(0)
	if filled {
		flags |= 1
	}
	if matched {
		flags |= 2
	}
	m.key = binary.LittleEndian.AppendUint16(append(m.key[:0], flags), passed)
	for _, pc := range at {
		m.key = binary.LittleEndian.AppendUint32(m.key, pc)
	}
	all := m.states.Load()
	if s := all.byKey[string(m.key)]; s != nil {
		return s
	}
	s := &state{at: slices.Clone(at), passed: passed, filled: filled, matched: matched, dead: len(at) == 0}
	s.next = make([]atomic.Pointer[state], m.count)
	m.memory += 200 + 2*len(m.key) + 8*m.count
	if m.memory > maxMemory {
		m.memory = 0
		all = m.newStates()
		m.states.Store(all)
	}
	all.byKey[string(m.key)] = s
	return s
}

// visit starts a walk through the program.
func (m *machine) visit() {
	if m.seen == nil {
		m.seen, m.taken = make([]uint32, len(m.insts)), make([]uint32, len(m.insts))
	}
	if m.step++; m.step == 0 {
		clear(m.seen)
		clear(m.taken)
		m.step = 1
	}
}

// looksFor returns the lookarounds on which the step from s depends. Those that cannot be
// followed by a match or by the symbol do not matter.
func (m *machine) looksFor(s *state, before, after, next symbol) (looks []int) {
	for _, pc := range m.reached(s.at, before, after) {
		in := &m.insts[pc]
		if in.op != opLook || slices.Contains(looks, in.look) {
			continue
		}
		for _, pc := range m.reached([]uint32{in.out}, before, after) {
			if to := &m.insts[pc]; to.op == opMatch || to.op == opRune && m.has[to.test][next] {
				looks = append(looks, in.look)
				break
			}
		}
	}
	return looks
}

// reached returns the instructions to which a step comes if all lookarounds hold.
func (m *machine) reached(at []uint32, before, after symbol) (all []uint32) {
	m.visit()
	stack := slices.Clone(at)
	for len(stack) > 0 {
		last := len(stack) - 1
		pc := stack[last]
		stack = stack[:last]
		if m.seen[pc] == m.step {
			continue
		}
		m.seen[pc] = m.step
		m.visited++
		all = append(all, pc)
		switch in := &m.insts[pc]; {
		case in.op == opAlt:
			stack = append(stack, in.out, in.arg)
		case in.op == opLook || m.holds(in, before, after):
			stack = append(stack, in.out)
		}
	}
	return all
}

// holds reports whether an instruction is a condition that holds between two symbols.
func (m *machine) holds(in *inst, before, after symbol) bool {
	switch in.op {
	case opBefore:
		return m.has[in.test][before]
	case opAfter:
		return m.has[in.test][after]
	case opWord, opNoWord:
		if before == m.edge && after == m.edge { // in Python neither \b nor \B matches there
			return false
		}
		word := m.has[in.test]
		return (word[before] != word[after]) == (in.op == opWord)
	}
	return false
}

// build computes the state after s and a symbol. If it depends on lookarounds that have not
// been asked for, build returns the state that names them. It adds the number of
// instructions that it looked at to work.
func (m *machine) build(s *state, to looked, asked bool, work *int) *state {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.visited = 0
	defer func() { *work += m.visited }()
	before, after := s.passed, to.next
	if m.backward {
		before, after = after, before
	}
	ask := s.next[to.next].Load()
	if ask == nil && m.looks {
		if looks := m.looksFor(s, before, after, to.next); looks != nil {
			ask = &state{looks: looks}
			m.memory += 200
			s.next[to.next].Store(ask)
		}
	}
	if ask != nil && (ask.looks == nil || !asked) {
		return ask
	}
	m.visit()
	at := make([]uint32, 0, len(s.at)+1)
	matched := false
	for _, pc := range s.at {
		if at, matched = m.follow(pc, s.filled, before, after, to, at, matched); matched && m.ordered {
			break
		}
	}
	if m.begin == everywhere || m.begin == beforeLastNewline && to.next == m.last {
		if !slices.Contains(at, m.program.start) {
			at = append(at, m.program.start)
		}
	}
	if !m.ordered {
		slices.Sort(at)
	}
	n := m.state(at, m.side[to.next], false, matched)
	if ask == nil {
		s.next[to.next].Store(n)
		return n
	}
	known := map[looked]*state{to: n}
	if old := ask.looked.Load(); old != nil && len(*old) < maxLooked {
		maps.Copy(known, *old)
	}
	m.memory += 100
	ask.looked.Store(&known)
	return n
}

// follow appends the instructions at which the ways from pc go on after the next code
// point to at.
func (m *machine) follow(pc uint32, filled bool, before, after symbol, to looked, at []uint32, matched bool) ([]uint32, bool) {
	m.stack = append(m.stack[:0], pc)
	for len(m.stack) > 0 {
		last := len(m.stack) - 1
		pc := m.stack[last]
		m.stack = m.stack[:last]
		if m.seen[pc] == m.step {
			continue
		}
		m.seen[pc] = m.step
		m.visited++
		in := &m.insts[pc]
		goes := false
		switch in.op {
		case opMatch:
			if filled {
				continue
			}
			matched = true
			if m.ordered {
				return at, true
			}
		case opAlt:
			m.stack = append(m.stack, in.arg, in.out)
		case opRune:
			if m.has[in.test][to.next] && m.taken[in.out] != m.step {
				m.taken[in.out] = m.step
				at = append(at, in.out)
			}
		case opLook:
			goes = to.holds[in.look/64]>>(in.look%64)&1 != 0
		default:
			goes = m.holds(in, before, after)
		}
		if goes {
			m.stack = append(m.stack, in.out)
		}
	}
	return at, matched
}
