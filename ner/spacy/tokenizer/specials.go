package tokenizer

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"
)

// specials are the special cases of a tokenizer. A special case is a chunk with a rule
// for its tokens and their norms ("don't" → do, n't = not). Special cases that the
// patterns would cut (":)", "Ph.D.") are also looked for among the tokens of a whole
// text. There their tokens may come from several chunks.
type specials struct {
	rules   map[string]*rule
	maybe   [1 << 9]uint64 // which first bytes, last bytes and lengths occur, see mayHave
	longest int            // length of the longest special case in bytes

	// A phrase is the sequence of tokens that a special case has without its rule.
	// The trie has the phrases to look for. Node 0 is its root, and the child of no
	// node.
	nodes []trieNode
	roots []int32 // by symbol: the root's child, or 0
	depth int     // number of tokens of the longest phrase

	same map[uint64]bool // the words that are phrases of one token, which stays the same
}

// rule has the tokens of a special case. Their offsets count from its start.
type rule struct {
	tokens  []Token
	symbols []int32 // of the tokens, see knownWord
}

// appendTo appends the rule's tokens, for a special case at the given offsets of a text.
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
	end  bool   // a phrase ends here
	rule *rule  // of the phrase's special case, if there is no space between its tokens
	size int    // length of that special case in bytes
	may  uint64 // a bit for each child, see symbolBit; it ends most searches for a child

	children []trieEdge // in the order of their symbols
}

// trieEdge leads to a child of a node, for a symbol.
type trieEdge struct{ symbol, child int32 }

// child returns the child for a symbol, or 0.
func (n *trieNode) child(symbol int32) int32 {
	edges := n.children
	for len(edges) > 1 {
		if half := len(edges) / 2; symbol < edges[half].symbol {
			edges = edges[:half]
		} else {
			edges = edges[half:]
		}
	}
	if len(edges) == 1 && edges[0].symbol == symbol {
		return edges[0].child
	}
	return 0
}

// symbolBit returns the bit of trieNode.may for a symbol.
func symbolBit(symbol int32) uint64 { return 1 << (uint32(symbol) % 64) }

// mayHave reports whether x may be a special case. It returns false for most words.
func (s *specials) mayHave(x string) bool {
	if x == "" || len(x) > s.longest {
		return false
	}
	word, bit := endsBit(x)
	return s.maybe[word]&bit != 0
}

// endsBit returns the bit of maybe for the first byte, the last byte and the length of x.
func endsBit(x string) (word int, bit uint64) {
	h := (uint32(x[0]) | uint32(x[len(x)-1])<<8 | uint32(len(x))<<16) * 0x9e3779b1 >> 17
	return int(h / 64), 1 << (h % 64)
}

// newSpecials returns specials with the tokens of the rules. addPhrases sets their
// symbols and the trie later, because it needs a tokenizer.
func newSpecials(cases map[string][]ruleToken, lex *lexicon) *specials {
	s := &specials{rules: make(map[string]*rule, len(cases)), nodes: make([]trieNode, 1), same: map[uint64]bool{}}
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

// addPhrases puts the phrases of the special cases into the trie: of all special cases,
// or of those that breaks reports. The texts of the phrases' tokens get symbols in the
// lexicon. It also sets the symbols of the rules' tokens. It fails with ErrTooMuch.
func (s *specials) addPhrases(tk *Tokenizer, all bool) error {
	plain := newCutter(tk)
	plain.special = false
	plain.allow()
	norms := s.ownNorms(tk.lexicon)
	var symbols int32
	for text, rule := range s.rules {
		if !all && !plain.breaks(text) {
			continue
		}
		plain.reset(plain.tokens[:0])
		if err := plain.cut(context.Background(), text); err != nil {
			return err
		}
		// If the rule's only token is the one that it would replace, there is nothing
		// to look for. English has such rules for ' and the long dash, and some texts
		// have very many of these.
		if len(plain.tokens) == 1 && len(rule.tokens) == 1 && !norms[rule.tokens[0].Orth] {
			s.same[plain.tokens[0].Orth] = true
			continue
		}
		node := int32(0)
		for _, t := range plain.tokens {
			word := tk.lexicon.known[t.Orth]
			if word.symbol == 0 {
				symbols++
				word.symbol = symbols
				tk.lexicon.known[t.Orth] = word
			}
			node = s.grow(node, word.symbol)
		}
		n := &s.nodes[node]
		n.end = true
		if last := len(plain.tokens) - 1; !slices.ContainsFunc(plain.tokens[:last], func(t Token) bool { return t.Space }) {
			n.rule, n.size = rule, len(text)
		}
		s.depth = max(s.depth, len(plain.tokens))
	}
	s.setRoots(symbols)
	for _, r := range s.rules {
		for _, t := range r.tokens {
			r.symbols = append(r.symbols, tk.lexicon.find(t.Orth).symbol)
		}
	}
	return nil
}

// ownNorms returns the ids of the texts for which a rule has another norm than the one
// that the text has elsewhere.
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

// grow returns the child of a node for a symbol. It adds the child if there is none.
func (s *specials) grow(node, symbol int32) int32 {
	n := &s.nodes[node]
	child := n.child(symbol)
	if child == 0 {
		child = int32(len(s.nodes))
		at, _ := slices.BinarySearchFunc(n.children, symbol, func(e trieEdge, symbol int32) int { return cmp.Compare(e.symbol, symbol) })
		n.children = slices.Insert(n.children, at, trieEdge{symbol, child})
		n.may |= symbolBit(symbol)
		s.nodes = append(s.nodes, trieNode{})
	}
	return child
}

// keepsFirst reports whether the first token is a phrase that spaCy replaces by the same token.
// It does not if a longer phrase begins there, whether that one is replaced or not.
func (s *specials) keepsFirst(orth uint64, symbols []int32) bool {
	if !s.same[orth] {
		return false
	}
	node := s.roots[symbols[0]]
	for _, symbol := range symbols[1:] {
		if node == 0 {
			break
		}
		if node = s.nodes[node].child(symbol); node != 0 && s.nodes[node].end {
			return false
		}
	}
	return true
}

// setRoots sets roots. The symbols are 1 to symbols.
func (s *specials) setRoots(symbols int32) {
	s.roots = make([]int32, symbols+1)
	for _, edge := range s.nodes[0].children {
		s.roots[edge.symbol] = edge.child
	}
}

// span is a phrase in a text: the tokens start to end-1, and the phrase's last node.
type span struct{ start, end, node int32 }

func (s span) len() int32 { return s.end - s.start }

// replacement is a span and the rule whose tokens replace those of the span.
type replacement struct {
	span
	rule *rule
}

// matchBuffers are the buffers of applySpecials.
type matchBuffers struct {
	chooser      chooser
	replacements []replacement
}

// chooser decides which of several overlapping spans to keep. A longer span has priority
// over a shorter one, and an earlier one over a later one of the same length. A span is
// kept if no span with a higher priority covers its first or its last token. As in
// spaCy, that span counts even if it is not kept itself, which is different in spaCy's
// filter_spans.
type chooser struct {
	// before is a ring with an element for each of the last and the next tokens: the
	// span with the highest priority that covers the token. An element whose span ends
	// at or before the token is left over from an earlier token.
	before  []span
	waiting []span // spans that may be kept, and that later ones may overlap, in the order of their starts
	longest int32  // the largest possible number of tokens of a span
}

// reset prepares the chooser for spans of at most longest tokens.
func (c *chooser) reset(longest int) {
	c.waiting, c.longest = c.waiting[:0], int32(longest)
	size := 1 << bits.Len(uint(4*longest))
	c.before = slices.Grow(c.before[:0], size)[:size]
	clear(c.before)
}

func (c *chooser) at(token int32) *span { return &c.before[int(token)&(len(c.before)-1)] }

// add adds a span. Spans must be added in the order of their starts.
func (c *chooser) add(sp span) {
	if b := c.at(sp.start); b.end <= sp.start || b.len() < sp.len() { // else sp is not kept
		c.waiting = append(c.waiting, sp)
	}
	for token := sp.start; token < sp.end; token++ {
		if b := c.at(token); b.end <= token || b.len() < sp.len() {
			*b = sp
		}
	}
}

// keep decides about the waiting spans that no span can overlap that starts at or after
// token. It calls f with those that are kept, and removes all of them from waiting.
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

// find looks for phrases in a text whose tokens have the given symbols. It calls f with
// every span that the chooser keeps, in the order of the text.
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
			node = n.child(symbols[j])
		}
		// Waiting for twice the longest span lets keep remove many spans at once.
		if len(c.waiting) > 0 && c.waiting[0].start+2*c.longest <= int32(i+1) {
			c.keep(int32(i+1), f)
		}
	}
	c.keep(int32(len(symbols))+c.longest, f)
}

// applySpecials finds the special cases among the tokens of text, and replaces their
// tokens by those of their rules.
func (c *cutter) applySpecials(text string) {
	m, tokens, grow := &c.match, c.tokens[c.base:], 0
	m.replacements = m.replacements[:0]
	c.tk.specials.find(c.symbols, &m.chooser, func(sp span) {
		// between includes the spaces between the tokens. So it may be no special
		// case: ": (" has the same tokens as ":(".
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
	if len(tokens) > 0 && c.tk.specials.keepsFirst(tokens[0].Orth, c.symbols) {
		tokens[0].Replaced = true
	}
	if len(m.replacements) == 0 {
		return
	}
	// Replace the tokens in place. The tokens to read are moved back by as many as the
	// result can be longer, so that no token is overwritten before it is read.
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
		if len(out) == done+grow { // the tokens before r are already where they belong
			out = out[:len(out)+int(r.start)-done]
		} else {
			out = append(out, read[done:r.start]...)
		}
		n := len(out)
		out = r.rule.appendTo(out, start, runeStart)
		for i := n; i < len(out); i++ {
			out[i].Replaced = true
		}
		out[len(out)-1].Space = space
		done = int(r.end)
	}
	out = append(out, read[done:]...)
	c.tokens = c.tokens[:c.base+len(out)]
}
