package spacy

import "context"

// The parser is spaCy's arc-eager transition system. Of the tree it makes only
// the borders of sentences are used here, because the entity recognizer does
// not look across them; labels are therefore not kept.

// parserSlots are the tokens the parser's model looks at: B0, B1, S0, S1, S2,
// the last left child of B0, and the last left and right child of S0.
const parserSlots = 8

// parserModel is the parser's transition model with its classes grouped.
type parserModel struct {
	*transition
	runs []run
}

func newParserModel(t *transition) *parserModel {
	return &parserModel{t, runs(t.classes, func(class) bool { return false })}
}

// parse is the state of the parser over one text of n tokens: the stack, the
// buffer of tokens to come, and the arcs so far.
type parse struct {
	n        int
	next     int     // the first token the buffer has not given yet
	stack    []int32 // the top is the last
	rebuffer []int32 // tokens put back before next, the first to come last

	// Arcs, by token. The children of a head on one side form a list, the
	// newest first.
	head      []int32 // -1: none
	lastLeft  []int32 // newest child to the left, -1
	lastRight []int32
	older     []int32 // the head's next older child on the same side, -1

	unshiftable []bool
	starts      []bool // a sentence starts here, by the Break move

	// sentStarts says of the first known tokens where sentences start. Their trees are
	// complete.
	sentStarts []bool
	known      int

	// keep is the first token of the sentence the stack is in. When the parser
	// passes a border the stack is empty, so nothing before it is looked at
	// again.
	keep int
}

// sentences parses the text of f on from where it is, until the sentences of the
// first upTo tokens at least are known.
func (m *parserModel) sentences(ctx context.Context, f *features, p *parse, upTo int) error {
	if upTo <= p.known {
		return nil
	}
	f.expect(likelyLook(f.text, f.tokens, upTo))
	var valid [numParserMoves]bool
	for !p.complete(upTo) {
		b0, b1 := p.buffer(0), p.buffer(1)
		if err := f.reach(ctx, max(b0, b1), p.keep); err != nil {
			return err
		}
		p.fill(f, b0, b1)
		p.validate(&valid, b0, b1)
		i, margin := best(f.score(), m.runs, valid[:])
		if i < 0 { // as spaCy's force_final; no real model gets here
			p.stack, p.rebuffer, p.next = p.stack[:0], p.rebuffer[:0], p.n
			break
		}
		if f.tooClose(margin) {
			return errTooClose
		}
		p.apply(m.classes[i].move, b0, b1)
	}
	p.roots()
	return nil
}

// likelyLook guesses how many tokens the parser looks at to know the sentences of
// the first upTo: those up to the next mark that ends a sentence, and the two that
// it sees of the next one. A wrong guess costs a little time.
func likelyLook(text string, tokens []Token, upTo int) int {
	far := min(upTo+encodeRows, len(tokens))
	for i := max(upTo-1, 0); i < far; i++ {
		switch text[tokens[i].Start:tokens[i].End] {
		case ".", "?", "!":
			return min(i+3, len(tokens))
		}
	}
	return far
}

func (p *parse) reset(n int) {
	p.n, p.next, p.keep, p.known = n, 0, 0, 0
	p.stack, p.rebuffer = p.stack[:0], p.rebuffer[:0]
	p.head, p.lastLeft, p.lastRight, p.older = grow(p.head, n), grow(p.lastLeft, n), grow(p.lastRight, n), grow(p.older, n)
	p.unshiftable, p.starts, p.sentStarts = grow(p.unshiftable, n), grow(p.starts, n), grow(p.sentStarts, n)
	for i := range n {
		p.head[i], p.lastLeft[i], p.lastRight[i], p.older[i] = -1, -1, -1, -1
	}
	clear(p.unshiftable)
	clear(p.starts)
	if n > 0 {
		p.starts[0] = true
	}
}

// buffer returns token k of the buffer, -1 past its end.
func (p *parse) buffer(k int) int {
	if k < len(p.rebuffer) {
		return int(p.rebuffer[len(p.rebuffer)-1-k])
	}
	if i := p.next + k - len(p.rebuffer); i < p.n {
		return i
	}
	return -1
}

// remaining is the number of tokens in the buffer.
func (p *parse) remaining() int { return p.n - p.next + len(p.rebuffer) }

// complete reports whether the trees of the first upTo tokens are. An arc joins a
// token on the stack and the first of the buffer: while the stack is empty and that
// one has no children before it, nothing joins it to the tokens that have gone.
// Tokens are in order in the buffer.
func (p *parse) complete(upTo int) bool {
	b0 := p.buffer(0)
	return len(p.stack) == 0 && (b0 < 0 || b0 >= upTo && p.lastLeft[b0] < 0)
}

// onStack returns token k of the stack from its top, -1 past its end.
func (p *parse) onStack(k int) int {
	if k >= len(p.stack) {
		return -1
	}
	return int(p.stack[len(p.stack)-1-k])
}

// fill sets the slots of the model.
func (p *parse) fill(f *features, b0, b1 int) {
	s0 := p.onStack(0)
	f.set(0, b0)
	f.set(1, b1)
	f.set(2, s0)
	f.set(3, p.onStack(1))
	f.set(4, p.onStack(2))
	f.set(5, child(p.lastLeft, b0))
	f.set(6, child(p.lastLeft, s0))
	f.set(7, child(p.lastRight, s0))
}

func child(last []int32, head int) int {
	if head < 0 {
		return -1
	}
	return int(last[head])
}

// validate says which moves the state allows. A sentence start can only be
// shifted onto an empty stack.
func (p *parse) validate(valid *[numParserMoves]bool, b0, b1 int) {
	depth, remaining := len(p.stack), p.remaining()
	atStart := b0 >= 0 && p.starts[b0]
	valid[moveShift] = depth == 0 || remaining >= 2 && !atStart && !p.unshiftable[b0]
	valid[moveReduce] = depth > 0
	valid[moveLeft] = depth > 0 && remaining > 0 && !atStart
	valid[moveRight] = valid[moveLeft]
	valid[moveBreak] = remaining >= 2 && b1 == b0+1 && !p.starts[b1]
}

func (p *parse) apply(move, b0, b1 int) {
	switch move {
	case moveShift:
		if len(p.stack) == 0 && p.starts[b0] {
			p.keep = b0
		}
		p.push()
	case moveReduce:
		s0 := p.pop()
		if p.head[s0] < 0 && len(p.stack) > 0 { // no head yet: it comes again
			p.unshiftable[s0] = true
			p.rebuffer = append(p.rebuffer, int32(s0))
		}
	case moveLeft:
		p.addArc(b0, p.onStack(0))
		p.unshiftable[b0] = false
		p.pop()
	case moveRight:
		p.addArc(p.onStack(0), b0)
		p.push()
	case moveBreak:
		p.starts[b1] = true
	}
}

// push moves the first token of the buffer onto the stack.
func (p *parse) push() {
	if last := len(p.rebuffer) - 1; last >= 0 {
		p.stack = append(p.stack, p.rebuffer[last])
		p.rebuffer = p.rebuffer[:last]
		return
	}
	p.stack = append(p.stack, int32(p.next))
	p.next++
}

func (p *parse) pop() int {
	last := len(p.stack) - 1
	s0 := p.stack[last]
	p.stack = p.stack[:last]
	return int(s0)
}

// addArc makes head the head of child, in place of the one it may have.
func (p *parse) addArc(head, child int) {
	if old := int(p.head[child]); old >= 0 {
		at := &p.side(old, child)[old]
		for int(*at) != child {
			at = &p.older[*at]
		}
		*at = p.older[child]
	}
	p.head[child] = int32(head)
	last := p.side(head, child)
	p.older[child] = last[head]
	last[head] = int32(child)
}

// side returns the lists of children on the side of head where child is.
func (p *parse) side(head, child int) []int32 {
	if child < head {
		return p.lastLeft
	}
	return p.lastRight
}

// roots sets sentStarts, for the first token of every tree, and known to all tokens
// before the buffer, whose trees are complete. Of these older is free by now and
// holds the root of a token's tree: -1 unknown, -2 on the path being followed.
func (p *parse) roots() {
	first, end := p.known, p.buffer(0)
	if end < 0 {
		end = p.n
	}
	root := p.older
	for i := first; i < end; i++ {
		root[i], p.sentStarts[i] = -1, false
	}
	path := p.stack[:0] // which is empty
	for i := first; i < end; i++ {
		t := int32(i)
		path = path[:0]
		for root[t] == -1 && p.head[t] >= 0 {
			root[t] = -2
			path = append(path, t)
			t = p.head[t]
		}
		r := root[t]
		if r < 0 { // a new tree, whose first token is i
			r = t
			root[t] = r
			p.sentStarts[i] = true
		}
		for _, t := range path {
			root[t] = r
		}
	}
	p.stack, p.known = path[:0], end
}
