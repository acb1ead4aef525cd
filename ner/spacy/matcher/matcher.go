package matcher

import "context"

// Matcher finds patterns of tokens, like spaCy's class of that name. Add must not run
// while Match runs. Several goroutines may call Match at once.
//
// Add turns a pattern into nodes (pattern.go). A node is the test for one token, with a
// quantifier: the token must pass (one), must not pass (none), may be missing (optional), or
// may come any number of times (many). Match goes through the tokens once. It keeps a list
// of states, which are matches that have begun, and shows each token to all of them.
type Matcher struct {
	lang         *Language
	nodes        []node       // of all patterns, one after the other; node.last ends a pattern
	firsts       []int32      // the index of the first node of each pattern
	starts       starts       // finds the patterns that a token can begin
	predicates   []*predicate // tests with an operator such as IN or REGEX, which nodes share
	predicateIDs map[string]int32
	needsNorms   bool
	used         [numAttrs]bool    // the attributes that the patterns have
	compared     [numAttrs]bool    // those that the patterns compare with a value, without an operator
	norms        map[uint64]string // spaCy's NORM by the id of a word, if a pattern needs it
}

// New returns a matcher without patterns.
func New(lang *Language) *Matcher {
	return &Matcher{lang: lang, predicateIDs: map[string]int32{}}
}

// Finish loads what the patterns need. Call it after the last Add. It fails if the norms
// are needed and cannot be read.
func (m *Matcher) Finish() (err error) {
	if m.needsNorms {
		m.norms, err = m.lang.Norms()
	}
	return err
}

// Len returns the number of patterns.
func (m *Matcher) Len() int { return len(m.firsts) }

// Uses reports whether a pattern has the attribute with that name, in upper case.
func (m *Matcher) Uses(name string) bool {
	a, err := parseAttr(name)
	return err == nil && m.used[a]
}

// Compares reports whether a pattern compares the attribute with that name with a value, without
// an operator such as IN.
func (m *Matcher) Compares(name string) bool {
	a, err := parseAttr(name)
	return err == nil && m.compared[a]
}

// Missing returns the first annotation that patterns compare with a value, and that no token of
// the text has. It returns "" if there is none. spaCy's Matcher fails for such a text, unless it
// is told to allow it. Of operators such as IN it takes no notice.
func (m *Matcher) Missing(doc *Doc) string {
	if len(doc.Tokens) == 0 {
		return ""
	}
	for _, a := range annotations {
		if m.compared[a] && !has(doc.Annotations, a) {
			return a.String()
		}
	}
	return ""
}

// state is a match that may go on: the node for the next token, and the first token.
type state struct{ node, start int32 }

// run is the work of one call of Match.
type run struct {
	*Matcher
	view    view    // gives the attributes of the token
	token   int32   // the index of the token that the states are shown
	tested  []int32 // by predicate: the last token that was tested, plus 1
	results []bool  // by predicate: whether that token has passed
	states  []state
	added   []state  // for the next token, after the states that stay
	met     stateSet // the states that have seen this token, of nodes where two ways can meet
	matches []Match
	steps   int // how many nodes states have been tried at
	limit   int // Match fails beyond this number of steps
}

// Match appends the matches in a text to dst, in spaCy's order. A match may be there
// several times. Match fails with the error of ctx when ctx ends, and with ErrTooMuch.
func (m *Matcher) Match(ctx context.Context, doc *Doc, dst []Match) ([]Match, error) {
	if len(m.firsts) == 0 {
		return dst, nil
	}
	r := &run{Matcher: m, tested: make([]int32, len(m.predicates)), results: make([]bool, len(m.predicates)), matches: dst, limit: MaxSteps}
	r.view.doc, r.view.lang, r.view.norms = doc, m.lang, m.norms
	var begin []int32
	for i := range doc.Tokens {
		if i%256 == 0 && ctx.Err() != nil {
			return dst, ctx.Err()
		}
		r.token = int32(i)
		r.view.move(i)
		begin = m.starts.find(&r.view, begin[:0])
		for _, p := range begin {
			r.states = append(r.states, state{m.firsts[p], r.token})
		}
		r.limit += len(begin)
		r.step()
		if r.steps > r.limit || len(r.matches)-len(dst) > MaxMatches {
			return dst, ErrTooMuch
		}
	}
	r.finish(int32(len(doc.Tokens)))
	return r.matches, nil
}

// step shows the token to all states. The states that stay come first, and then those that
// are added, as in spaCy.
func (r *run) step() {
	r.met.clear()
	kept := r.states[:0]
	r.added = r.added[:0]
	for _, s := range r.states {
		if r.steps > r.limit {
			return
		}
		if next, stays := r.advance(s); stays {
			kept = append(kept, next)
		}
	}
	r.states = append(kept, r.added...)
}

// advance shows the token to a state. It emits the matches that end here, and adds states
// for the other ways to go on. stays is true if the state itself goes on as next.
//
// If two ways through the pattern lead to the same state, the second one stops here: it
// would only repeat the matches of the first one. So the number of states stays small.
func (r *run) advance(s state) (next state, stays bool) {
	for at := s.node; ; at++ {
		r.steps++
		n := &r.nodes[at]
		if n.merges && !r.met.add(state{at, s.start}) {
			return s, false
		}
		fits := r.fits(n)
		switch n.quantifier {
		case one, none:
			if fits == (n.quantifier == none) {
				return s, false
			}
			if n.last {
				r.emit(n, s.start, r.token+1)
				return s, false
			}
			return state{at + 1, s.start}, true
		case many:
			switch {
			case n.last:
				r.emit(n, s.start, r.token)
				return state{at, s.start}, fits
			case fits:
				r.added = append(r.added, state{at, s.start})
			}
		case optional:
			switch {
			case n.last:
				r.emit(n, s.start, r.token)
				if fits {
					r.emit(n, s.start, r.token+1)
				}
				return s, false
			case fits:
				r.added = append(r.added, state{at + 1, s.start})
			}
		}
	}
}

// finish emits the matches that end with the text, because all that is missing is optional.
func (r *run) finish(end int32) {
	for _, s := range r.states {
		for at := s.node; r.nodes[at].quantifier >= optional; at++ {
			if n := &r.nodes[at]; n.last {
				r.emit(n, s.start, end)
				break
			}
		}
	}
}

func (r *run) emit(n *node, start, end int32) {
	if end > start {
		r.matches = append(r.matches, Match{n.key, start, end})
	}
}

// fits reports whether the token has the attributes of a node.
func (r *run) fits(n *node) bool {
	for _, e := range n.equal {
		if r.view.value(e.attr) != e.value {
			return false
		}
	}
	for _, p := range n.predicates {
		if r.tested[p] != r.token+1 {
			r.tested[p], r.results[p] = r.token+1, r.predicates[p].test(&r.view)
		}
		if !r.results[p] {
			return false
		}
	}
	return true
}
