package spacy

import (
	"cmp"
	"slices"
	"strings"
)

// specials are the special cases of a tokenizer: chunks that are cut, and
// normalised, as a rule says ("don't" → do, n't = not). Those that the patterns
// would cut up (":)", "Ph.D.") are also looked for among the tokens of a whole
// text, where they may lie across several chunks' pieces.
type specials struct {
	rules map[string]*rule
	// lengths has bit n of byte c set if some special case begins with c and is
	// n bytes long (63 stands for all longer). Most words fail it.
	lengths [256]uint64

	// The trie of the token sequences to look for. Node 0 is its root, and no
	// node's child.
	nodes []trieNode
	roots []int32 // by symbol: the root's child, or 0
}

// rule is a special case's tokens, with offsets from its start.
type rule struct {
	tokens  []Token
	symbols []int32
}

type trieNode struct {
	next map[int32]int32 // by symbol
	end  bool            // a sequence ends here
}

// rule returns the special case x is, or nil.
func (s *specials) rule(x string) *rule {
	if x == "" || s.lengths[x[0]]&(1<<min(len(x), 63)) == 0 {
		return nil
	}
	return s.rules[x]
}

// newSpecials makes the rules' tokens. Their symbols and the trie come later,
// from addPhrases, which needs a tokenizer with rules.
func newSpecials(cases map[string][]ruleToken, lex *lexicon) *specials {
	s := &specials{rules: make(map[string]*rule, len(cases)), nodes: make([]trieNode, 1)}
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
		s.lengths[text[0]] |= 1 << min(len(text), 63)
	}
	return s
}

// addPhrases fills the trie with the tokens each special case would have if it
// were none, numbers the texts of these tokens in the lexicon, and gives the
// rules' tokens their symbols.
func (s *specials) addPhrases(tk *tokenizer, all bool) {
	plain := &cutter{tk: tk}
	var symbols int32
	for text := range s.rules {
		if !all && !tk.patterns.breaks(text) {
			continue
		}
		plain.reset(plain.tokens[:0])
		plain.cut(text)
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
		s.nodes[node].end = true
	}
	s.roots = make([]int32, symbols+1)
	for symbol, node := range s.nodes[0].next {
		s.roots[symbol] = node
	}
	for _, r := range s.rules {
		for _, t := range r.tokens {
			r.symbols = append(r.symbols, tk.lexicon.known[t.Orth].symbol)
		}
	}
}

// breaks reports whether x is a special case that may have to be looked for
// among tokens: one that affixes or a space could have cut.
func (p *patterns) breaks(x string) bool {
	_, _, infix := p.nextInfix(x, 0)
	return infix || p.prefixLen(x) > 0 || p.suffixLen(x) > 0 || strings.Contains(x, " ")
}

// child returns the child of a node for a symbol, which it makes if need be.
func (s *specials) child(node, symbol int32) int32 {
	n := &s.nodes[node]
	if child, ok := n.next[symbol]; ok {
		return child
	}
	if n.next == nil {
		n.next = make(map[int32]int32)
	}
	child := int32(len(s.nodes))
	n.next[symbol] = child
	s.nodes = append(s.nodes, trieNode{})
	return child
}

// span is a run of tokens, half open.
type span struct {
	start, end int
	rule       *rule // that replaces them
}

// matchBuffers are the buffers of applySpecials.
type matchBuffers struct {
	spans []span
	seen  []bool
}

// find appends every span of tokens that is a sequence of the trie.
func (s *specials) find(symbols []int32, spans []span) []span {
	for i, symbol := range symbols {
		if symbol == 0 {
			continue
		}
		for node, j := s.roots[symbol], i+1; node != 0; j++ {
			if s.nodes[node].end {
				spans = append(spans, span{start: i, end: j})
			}
			if j == len(symbols) {
				break
			}
			node = s.nodes[node].next[symbols[j]]
		}
	}
	return spans
}

// choose keeps, of spans that overlap, the longer and then the earlier, and
// returns the kept in order of the text. As in spaCy a span that was refused
// still stands in the way of those after it: this is not filter_spans. The
// elements of seen, one a token, are false.
func choose(spans []span, seen []bool) []span {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(b.end-b.start, a.end-a.start), cmp.Compare(a.start, b.start))
	})
	kept := spans[:0]
	for _, sp := range spans {
		if !seen[sp.start] && !seen[sp.end-1] {
			kept = append(kept, sp)
		}
		for i := sp.start; i < sp.end; i++ {
			seen[i] = true
		}
	}
	slices.SortFunc(kept, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return kept
}

// applySpecials replaces the tokens of text that together are a special case by
// those of its rule.
func (c *cutter) applySpecials(text string) {
	m := &c.match
	if m.spans = c.tk.specials.find(c.symbols, m.spans[:0]); len(m.spans) == 0 {
		return
	}
	tokens := c.tokens[c.base:]
	m.seen = slices.Grow(m.seen[:0], len(tokens))[:len(tokens)]
	clear(m.seen)
	spans, grow := choose(m.spans, m.seen), 0
	for i := range spans {
		sp := &spans[i]
		// The text between has the spaces, too. It need not be a special case:
		// ": (" has the tokens of ":(" and is none.
		sp.rule = c.rule(text[tokens[sp.start].Start:tokens[sp.end-1].End])
		if sp.rule != nil {
			grow += max(0, len(sp.rule.tokens)-(sp.end-sp.start))
		}
	}
	// In place: what is still to be read is moved out of the way of what is
	// written, as far as it can ever come.
	n := len(tokens)
	tokens = slices.Grow(tokens, grow)[:n+grow]
	read := tokens[grow:]
	copy(read, tokens[:n])
	out, done := tokens[:0], 0
	for _, sp := range spans {
		if sp.rule == nil {
			continue
		}
		first, last := read[sp.start], read[sp.end-1]
		out = append(out, read[done:sp.start]...)
		for _, t := range sp.rule.tokens {
			out = append(out, t.moved(first.Start, first.RuneStart))
		}
		out[len(out)-1].Space = last.Space
		done = sp.end
	}
	out = append(out, read[done:]...)
	c.tokens = append(c.tokens[:c.base], out...)
}
