package tokenizer

import (
	"math/bits"
	"slices"
	"strings"
)

// specials are the special cases of a tokenizer: chunks that are cut, and
// normalised, as a rule says ("don't" → do, n't = not). Those that the patterns
// would cut up (":)", "Ph.D.") are also looked for among the tokens of a whole
// text, where they may lie across several chunks' pieces.
type specials struct {
	rules   map[string]*rule
	maybe   [1 << 9]uint64 // a bit for the ends and the length of each, see mayHave
	longest int            // bytes of the longest special case

	// The trie of the token sequences to look for. Node 0 is its root, and no
	// node's child.
	nodes    []trieNode
	children map[uint64]int32 // by edge; nil after freeze
	frozen   idTable[int32]   // the same after freeze
	roots    []int32          // by symbol: the root's child, or 0
	depth    int              // tokens of the longest sequence
}

// rule is a special case's tokens, with offsets from its start.
type rule struct {
	tokens  []Token
	symbols []int32
}

// appendTo appends the rule's tokens, for a text that starts at the place given.
func (r *rule) appendTo(tokens []Token, start, runeStart int) []Token {
	n := len(tokens)
	tokens = append(tokens, r.tokens...)
	for i := n; i < len(tokens); i++ {
		t := &tokens[i]
		t.Start += start
		t.End += start
		t.RuneStart += runeStart
		t.RuneEnd += runeStart
	}
	return tokens
}

type trieNode struct {
	end  bool   // a sequence ends here
	rule *rule  // of the special case that is the sequence's tokens without a space between, if it is one
	size int    // bytes of that special case
	may  uint64 // a bit for each child, see symbolBit; most searches for one end here
}

// symbolBit is the bit of trieNode.may for a symbol.
func symbolBit(symbol int32) uint64 { return 1 << (uint32(symbol) % 64) }

// edge identifies the edge from a node to its child for a symbol.
func edge(node, symbol int32) uint64 { return mix64(uint64(node)<<32 | uint64(symbol)) }

// mayHave reports whether x may be a special case. Most words are refused.
func (s *specials) mayHave(x string) bool {
	if x == "" || len(x) > s.longest {
		return false
	}
	word, bit := endsBit(x)
	return s.maybe[word]&bit != 0
}

// endsBit is the bit of maybe for the ends and the length of x.
func endsBit(x string) (word int, bit uint64) {
	h := (uint32(x[0]) | uint32(x[len(x)-1])<<8 | uint32(len(x))<<16) * 0x9e3779b1 >> 17
	return int(h / 64), 1 << (h % 64)
}

// newSpecials makes the rules' tokens. Their symbols and the trie come later,
// from addPhrases, which needs a tokenizer with rules.
func newSpecials(cases map[string][]ruleToken, lex *lexicon) *specials {
	s := &specials{rules: make(map[string]*rule, len(cases)), nodes: make([]trieNode, 1), children: make(map[uint64]int32)}
	var b lexBuffers
	for text, tokens := range cases {
		r := new(rule)
		pos, runePos := 0, 0
		for _, rt := range tokens {
			t := Token{Start: pos, End: pos + len(rt.orth), RuneStart: runePos}
			t.IsSpace = strings.TrimFunc(rt.orth, isSpace) == ""
			lex.lookup(&t, rt.orth, &b)
			if rt.norm != "" {
				t.Norm = stringID(rt.norm)
			}
			r.tokens = append(r.tokens, t)
			pos, runePos = t.End, t.RuneEnd
		}
		s.rules[text] = r
		word, bit := endsBit(text)
		s.maybe[word] |= bit
		s.longest = max(s.longest, len(text))
	}
	return s
}

// addPhrases fills the trie with the tokens each special case would have if it
// were none, numbers the texts of these tokens in the lexicon, and gives the
// rules' tokens their symbols.
func (s *specials) addPhrases(tk *Tokenizer, all bool) {
	plain := &cutter{tk: tk}
	norms := s.ownNorms(tk.lexicon)
	var symbols int32
	for text, rule := range s.rules {
		if !all && !breaks(tk.patterns, text) {
			continue
		}
		plain.reset(plain.tokens[:0])
		plain.cut(text)
		// English has ' and the long dash, which some texts are full of.
		if len(plain.tokens) == 1 && len(rule.tokens) == 1 && !norms[rule.tokens[0].Orth] {
			continue // the rule's token is what it would replace
		}
		node := int32(0)
		for _, t := range plain.tokens {
			word := tk.lexicon.known[t.Orth]
			if word.symbol == 0 {
				symbols++
				word.symbol = symbols
				tk.lexicon.known[t.Orth] = word
			}
			node = s.child(node, word.symbol)
		}
		n := &s.nodes[node]
		n.end = true
		if last := len(plain.tokens) - 1; !slices.ContainsFunc(plain.tokens[:last], func(t Token) bool { return t.Space }) {
			n.rule, n.size = rule, len(text)
		}
		s.depth = max(s.depth, len(plain.tokens))
	}
	s.freeze(symbols)
	for _, r := range s.rules {
		for _, t := range r.tokens {
			r.symbols = append(r.symbols, tk.lexicon.find(t.Orth).symbol)
		}
	}
}

// ownNorms returns the texts, by their ids, of those tokens to which some rule
// gives a norm that they do not have elsewhere.
func (s *specials) ownNorms(lex *lexicon) map[uint64]bool {
	own := make(map[uint64]bool)
	var b lexBuffers
	for text, r := range s.rules {
		for _, t := range r.tokens {
			var elsewhere Token
			lex.lookup(&elsewhere, text[t.Start:t.End], &b)
			if elsewhere.Norm != t.Norm {
				own[t.Orth] = true
			}
		}
	}
	return own
}

// child returns the child of a node for a symbol, which it makes if need be.
func (s *specials) child(node, symbol int32) int32 {
	child, ok := s.children[edge(node, symbol)]
	if !ok {
		child = int32(len(s.nodes))
		s.nodes = append(s.nodes, trieNode{})
		s.children[edge(node, symbol)] = child
		s.nodes[node].may |= symbolBit(symbol)
	}
	return child
}

// freeze prepares the trie, whose symbols are 1 to symbols, for searches.
func (s *specials) freeze(symbols int32) {
	s.frozen, s.children = newIDTable(s.children), nil
	s.roots = make([]int32, symbols+1)
	for symbol := range s.roots {
		s.roots[symbol] = s.frozen.find(edge(0, int32(symbol)))
	}
}

// span is a run of tokens, half open, and where in the trie it ends.
type span struct{ start, end, node int32 }

func (s span) len() int32 { return s.end - s.start }

// replacement is a span whose tokens a rule's replace.
type replacement struct {
	span
	rule *rule
}

// matchBuffers are the buffers of applySpecials.
type matchBuffers struct {
	chooser      chooser
	replacements []replacement
}

// chooser keeps, of spans that overlap, the longer and then the earlier. As in
// spaCy a span that was refused still stands in the way of those after it: this
// is not filter_spans. So a span is kept if no other that goes before it covers
// its first token or its last.
type chooser struct {
	// before has the span that goes before all others at a token, of the last
	// tokens and those to come, in a ring. Whether an element is of an earlier
	// token shows by its end.
	before  []span
	waiting []span // that later ones may overlap, in the order of their starts
	longest int32  // tokens of the longest span there can be
}

// reset prepares for spans of at most longest tokens.
func (c *chooser) reset(longest int) {
	c.waiting, c.longest = c.waiting[:0], int32(longest)
	size := 1 << bits.Len(uint(4*longest))
	c.before = slices.Grow(c.before[:0], size)[:size]
	clear(c.before)
}

func (c *chooser) at(token int32) *span { return &c.before[int(token)&(len(c.before)-1)] }

// add adds a span. Spans must be added in the order of their starts.
func (c *chooser) add(sp span) {
	c.waiting = append(c.waiting, sp)
	for token := sp.start; token < sp.end; token++ {
		if b := c.at(token); b.end <= token || b.len() < sp.len() {
			*b = sp
		}
	}
}

// keep calls f with the spans that are kept, of those that no span which starts
// at or after a token can overlap.
func (c *chooser) keep(token int32, f func(span)) {
	done := 0
	for done < len(c.waiting) && c.waiting[done].start+c.longest <= token {
		sp := c.waiting[done]
		if *c.at(sp.start) == sp && *c.at(sp.end - 1) == sp {
			f(sp)
		}
		done++
	}
	c.waiting = c.waiting[:copy(c.waiting, c.waiting[done:])]
}

// find calls f with every span of tokens that is a sequence of the trie and that
// the chooser keeps, in the order of the text.
func (s *specials) find(symbols []int32, c *chooser, f func(span)) {
	c.reset(s.depth)
	for i, symbol := range symbols {
		if symbol == 0 && len(c.waiting) == 0 {
			continue
		}
		for node, j := s.roots[symbol], i+1; node != 0; j++ {
			n := &s.nodes[node]
			if n.end {
				c.add(span{int32(i), int32(j), node})
			}
			if j == len(symbols) || n.may&symbolBit(symbols[j]) == 0 {
				break
			}
			node = s.frozen.find(edge(node, symbols[j]))
		}
		// Not sooner, so that many are moved up at once.
		if len(c.waiting) > 0 && c.waiting[0].start+2*c.longest <= int32(i+1) {
			c.keep(int32(i+1), f)
		}
	}
	c.keep(int32(len(symbols))+c.longest, f)
}

// applySpecials replaces the tokens of text that together are a special case by
// those of its rule.
func (c *cutter) applySpecials(text string) {
	m, tokens, grow := &c.match, c.tokens[c.base:], 0
	m.replacements = m.replacements[:0]
	c.tk.specials.find(c.symbols, &m.chooser, func(sp span) {
		// The text between has the spaces, too. It need not be a special case:
		// ": (" has the tokens of ":(" and is none.
		between := text[tokens[sp.start].Start:tokens[sp.end-1].End]
		node := &c.tk.specials.nodes[sp.node]
		rule := node.rule
		if len(between) != node.size {
			rule = c.rule(between)
		}
		if rule != nil {
			m.replacements = append(m.replacements, replacement{sp, rule})
			grow += max(0, len(rule.tokens)-int(sp.len()))
		}
	})
	if len(m.replacements) == 0 {
		return
	}
	// In place: what is still to be read is moved out of the way of what is
	// written, as far as it can ever come.
	n := len(tokens)
	c.tokens = slices.Grow(c.tokens, grow)
	tokens = c.tokens[c.base:][:n+grow]
	read := tokens[grow:]
	if grow > 0 {
		copy(read, tokens[:n])
	}
	out, done := tokens[:0], 0
	for _, r := range m.replacements {
		first, last := &read[r.start], &read[r.end-1]
		start, runeStart, space := first.Start, first.RuneStart, last.Space
		if len(out) == done+grow { // those between are in their place
			out = out[:len(out)+int(r.start)-done]
		} else {
			out = append(out, read[done:r.start]...)
		}
		out = r.rule.appendTo(out, start, runeStart)
		out[len(out)-1].Space = space
		done = int(r.end)
	}
	out = append(out, read[done:]...)
	c.tokens = c.tokens[:c.base+len(out)]
}
