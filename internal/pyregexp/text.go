package pyregexp

import (
	"errors"
	"unicode/utf8"
)

// Text is a text in which the regular expressions of a [Set] search. It has the memory of
// the searches, so it must not be used by several goroutines at once. After Reset it can
// have another text.
type Text struct {
	set     *Set
	symbols []symbol    // by byte
	known   []knownRune // by the last bits of the code point
	looks   []looksOf   // by lookaround
	age     int         // counts the texts
	starts  []int

	// limit is how many steps all searches may need, up to the next call of Allow. 0
	// means that there is no limit.
	limit, steps int
	err          error
}

// knownRune has the symbol of a code point beyond ASCII. The zero value stands for none.
type knownRune struct {
	rune   rune
	symbol symbol
}

// looksOf says where in text[lo:hi] a lookaround holds.
type looksOf struct {
	age, lo, hi int
	holds       []bool
}

// ErrTooMuch says that searches need more steps than they may.
var ErrTooMuch = errors.New("searching for a regular expression takes too long")

// buildCost is how many instructions of a program count as a step when they are looked at
// for the first time.
const buildCost = 4

// NewText returns a text for the expressions of the set. It is empty.
func (s *Set) NewText() *Text {
	return &Text{set: s, looks: make([]looksOf, len(s.looks)), known: make([]knownRune, 256)}
}

// Reset sets the text. It must be valid UTF-8.
func (t *Text) Reset(text string) {
	a := t.set.alphabet
	t.age++
	t.symbols = t.symbols[:0]
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			t.symbols = append(t.symbols, a.ascii[c])
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		t.symbols = append(t.symbols, t.find(r))
		for range size - 1 {
			t.symbols = append(t.symbols, inside)
		}
		i += size
	}
}

// find returns the symbol of a code point.
func (t *Text) find(r rune) symbol {
	if len(t.known) == 0 {
		return t.set.alphabet.find(r)
	}
	k := &t.known[uint32(r)%uint32(len(t.known))]
	if k.rune != r {
		*k = knownRune{r, t.set.alphabet.find(r)}
	}
	return k.symbol
}

// Allow sets how many steps all searches may need from now on. A step is about a code
// point that an expression sees. 0 means that there is no limit.
func (t *Text) Allow(steps int) { t.limit, t.steps, t.err = steps, 0, nil }

// Err returns [ErrTooMuch] if the searches since the last call of Allow need too many
// steps. Then the result of a search means nothing.
func (t *Text) Err() error { return t.err }

// spend counts steps, and reports whether the searches may go on.
func (t *Text) spend(steps int) bool {
	t.steps += steps
	if t.limit > 0 && t.steps > t.limit {
		t.err = ErrTooMuch
	}
	return t.err == nil
}

// at returns the symbol of the code point that begins with byte i of text[:hi].
func (t *Text) at(i, hi int) symbol {
	s := t.symbols[i]
	if a := t.set.alphabet; i == hi-1 && s == a.ascii['\n'] {
		return a.lastNewline()
	}
	return s
}

// before returns the place before p in text[lo:hi], and the symbol between the two.
func (t *Text) before(p, lo, hi int) (int, symbol) {
	if p == lo {
		return p, t.set.alphabet.edge()
	}
	for p--; t.symbols[p] == inside; p-- {
	}
	return p, t.at(p, hi)
}

// after returns the place after p in text[:hi], and the symbol between the two.
func (t *Text) after(p, hi int) (int, symbol) {
	if p == hi {
		return p, t.set.alphabet.edge()
	}
	s := t.at(p, hi)
	for p++; p < hi && t.symbols[p] == inside; p++ {
	}
	return p, s
}

// next returns the state after s at place p of text[lo:hi]. to is the symbol that follows.
func (t *Text) next(m *machine, s *state, to symbol, p, lo, hi int) *state {
	local := m.local[to]
	n := s.next[local].Load()
	if n == nil {
		n = t.build(m, s, looked{next: local}, false)
	}
	if n.looks != nil {
		n = t.ask(m, s, n, local, p, lo, hi)
	}
	return n
}

func (t *Text) build(m *machine, s *state, to looked, asked bool) *state {
	work := 0
	n := m.build(s, to, asked, &work)
	t.spend(work / buildCost)
	return n
}

// ask returns the state after s and a symbol, which depends on lookarounds.
func (t *Text) ask(m *machine, s, ask *state, local symbol, p, lo, hi int) *state {
	key := looked{next: local}
	for _, look := range ask.looks {
		if t.holds(t.set.looks[look], p, lo, hi) {
			key.holds[look/64] |= 1 << (look % 64)
		}
	}
	if known := ask.looked.Load(); known != nil {
		if n := (*known)[key]; n != nil {
			return n
		}
	}
	return t.build(m, s, key, true)
}

// holds reports whether a lookaround holds at a place of text[lo:hi].
func (t *Text) holds(l *look, p, lo, hi int) bool {
	if l.near {
		if l.behind {
			return t.sweep(l.machine, p, lo, hi, true, nil) != l.negative
		}
		return (t.forward(l.machine, p, lo, hi, false, true) >= 0) != l.negative
	}
	known := &t.looks[l.number]
	if known.age != t.age || known.lo != lo || known.hi != hi {
		known.age, known.lo, known.hi = t.age, lo, hi
		t.lookEverywhere(l, lo, hi)
	}
	return known.holds[p-lo]
}

// lookEverywhere finds all places at which a lookaround holds.
func (t *Text) lookEverywhere(l *look, lo, hi int) {
	known := &t.looks[l.number]
	known.holds = append(known.holds[:0], make([]bool, hi-lo+1)...)
	for i := range known.holds {
		known.holds[i] = l.negative
	}
	from := hi
	if l.behind {
		from = lo
	}
	t.sweep(l.machine, from, lo, hi, !l.behind, func(p int) { known.holds[p-lo] = !l.negative })
}

// forward runs a machine from place p of text[lo:hi], and returns where the match ends, or
// -1 if there is none. If filled, an empty match does not count. If any, the first match
// that is found counts.
func (t *Text) forward(m *machine, p, lo, hi int, filled, any bool) (end int) {
	_, passed := t.before(p, lo, hi)
	s, from := m.start(m.local[passed], filled), p
	for end = -1; t.err == nil; {
		q, to := t.after(p, hi)
		s = t.next(m, s, to, p, lo, hi)
		if s.matched {
			end = p
			if any {
				break
			}
		}
		if s.dead || p == hi {
			break
		}
		p = q
	}
	t.spend(1 + p - from)
	return end
}

// sweep runs a machine from place p of text[lo:hi] to its end, and calls found for each place
// at which a match ends. With back it runs to the start, and matches begin at the places. If
// found is nil, it stops at the first one. It reports whether there is a match.
func (t *Text) sweep(m *machine, p, lo, hi int, back bool, found func(int)) (any bool) {
	last := hi
	if back {
		last = lo
	}
	_, passed := t.step(p, lo, hi, !back)
	s, from := m.start(m.local[passed], false), p
	for t.err == nil {
		q, to := t.step(p, lo, hi, back)
		s = t.next(m, s, to, p, lo, hi)
		if s.matched {
			any = true
			if found == nil {
				break
			}
			found(p)
		}
		if s.dead || p == last {
			break
		}
		p = q
	}
	t.spend(1 + max(p-from, from-p))
	return any
}

// step is before or after.
func (t *Text) step(p, lo, hi int, back bool) (int, symbol) {
	if back {
		return t.before(p, lo, hi)
	}
	return t.after(p, hi)
}
