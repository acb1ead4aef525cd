package spacy

import "context"

// The parser is spaCy's arc-eager transition system. Its tree says where sentences start,
// because no entity goes across such a start. arcs.go makes annotations of the whole tree.

// parserSlots is the number of tokens that the parser's model looks at. B is the
// buffer and S the stack. The tokens are B0, B1, S0, S1, S2, the last left child of
// B0, and the last left and right child of S0.
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
	next     int     // the first token that has never left the buffer
	stack    []int32 // the top is the last element
	rebuffer []int32 // tokens put back into the buffer before next, in reverse order

	// Arcs, by token. -1 means none. The children of a head on one side form a list
	// that begins with the newest child.
	head      []int32
	lastLeft  []int32 // the newest child to the left of the token
	lastRight []int32 // the newest child to the right of the token
	older     []int32 // the next older child of the same head on the same side
	class     []int32 // the class of the arc to the token; undefined without head

	unshiftable []bool // Reduce has put the token back: only an empty stack allows Shift
	starts      []bool // the text starts here, or Break has set the start of a sentence

	sentences // of the first tokens, whose trees are complete

	// keep is the first token of the sentence that the parser is in. The parser does
	// not look at tokens before keep again, because the stack is empty when it passes
	// the start of a sentence.
	keep int
}

// sentences parses the text of f, from where p is, until the sentences of at least the
// first upTo tokens are known. It fails with the context's error when ctx ends.
func (m *parserModel) sentences(ctx context.Context, f *features, p *parse, upTo int) error {
	if upTo <= p.known {
		return nil
	}
	f.expect(likelyLook(f.text, f.tokens, upTo))
	var valid [numParserMoves]bool
	for moves := 1; !p.complete(upTo); moves++ {
		// A sentence of very many tokens has as many moves after its last token was read.
		if moves%askMoves == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		b0, b1 := p.buffer(0), p.buffer(1)
		if err := f.reach(ctx, max(b0, b1), p.keep); err != nil {
			return err
		}
		p.fill(f, b0, b1)
		p.validate(&valid, b0, b1)
		scores := f.score()
		i, margin := best(scores, m.runs, valid[:])
		if i < 0 { // as spaCy's force_final does; no real model gets here
			p.stack, p.rebuffer, p.next = p.stack[:0], p.rebuffer[:0], p.n
			break
		}
		if isClose(scores, margin, f.closest) {
			var err error
			if scores, err = f.scoreLong(ctx); err != nil {
				return err
			}
			i, _ = best(scores, m.runs, valid[:])
		}
		switch m.classes[i].move {
		case moveLeft:
			p.class[p.onStack(0)] = int32(i)
		case moveRight:
			p.class[b0] = int32(i)
		}
		p.apply(m.classes[i].move, b0, b1)
	}
	p.roots()
	return nil
}

// askMoves is after how many moves the parser asks the context whether it has ended. They
// take about a millisecond.
const askMoves = 512

// likelyLook guesses how many tokens the parser will look at to find the sentences of
// the first upTo tokens. The guess is all tokens up to the next full stop, question
// mark or exclamation mark, and two more. A wrong guess costs a little time.
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
	p.n, p.next, p.keep = n, 0, 0
	p.sentences.reset(n)
	p.stack, p.rebuffer = p.stack[:0], p.rebuffer[:0]
	p.head, p.lastLeft, p.lastRight, p.older = grow(p.head, n), grow(p.lastLeft, n), grow(p.lastRight, n), grow(p.older, n)
	p.class, p.unshiftable, p.starts = grow(p.class, n), grow(p.unshiftable, n), grow(p.starts, n)
	for i := range n {
		p.head[i], p.lastLeft[i], p.lastRight[i], p.older[i] = -1, -1, -1, -1
	}
	clear(p.unshiftable)
	clear(p.starts)
	if n > 0 {
		p.starts[0] = true
	}
}

// buffer returns token k of the buffer, or -1 if the buffer is shorter.
func (p *parse) buffer(k int) int {
	if k < len(p.rebuffer) {
		return int(p.rebuffer[len(p.rebuffer)-1-k])
	}
	if i := p.next + k - len(p.rebuffer); i < p.n {
		return i
	}
	return -1
}

// remaining returns the number of tokens in the buffer.
func (p *parse) remaining() int { return p.n - p.next + len(p.rebuffer) }

// complete reports whether the trees of the first upTo tokens are complete. An arc
// joins a token on the stack and the first token of the buffer. So when the stack is
// empty, no later arc joins a token that has left the buffer. If the buffer's first
// token has no child before it, it is in no tree of these tokens. The tokens in the
// buffer are in the order of the text.
func (p *parse) complete(upTo int) bool {
	b0 := p.buffer(0)
	return len(p.stack) == 0 && (b0 < 0 || b0 >= upTo && p.lastLeft[b0] < 0)
}

// onStack returns token k of the stack, counted from the top, or -1 if the stack is
// smaller.
func (p *parse) onStack(k int) int {
	if k >= len(p.stack) {
		return -1
	}
	return int(p.stack[len(p.stack)-1-k])
}

// fill puts the tokens that the model looks at into their slots.
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

// validate sets valid[m] for every move m to whether the state allows it. The first
// token of a sentence can be shifted only onto an empty stack.
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
		if p.head[s0] < 0 && len(p.stack) > 0 { // it has no head yet: put it back
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

// addArc makes head the head of child. It removes child from its old head, if any.
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

// side returns lastLeft if child is to the left of head, and lastRight otherwise.
func (p *parse) side(head, child int) []int32 {
	if child < head {
		return p.lastLeft
	}
	return p.lastRight
}

// roots sets known to the number of tokens before the buffer, and sentStarts for these
// tokens. Their trees must be complete. A sentence starts at the first token of every
// tree. roots overwrites older, which these tokens do not need any more, with the root
// of each token's tree. There -1 means unknown, and -2 that the token is on the path
// that roots follows now.
func (p *parse) roots() {
	first, end := p.known, p.buffer(0)
	if end < 0 {
		end = p.n
	}
	root := p.older
	for i := first; i < end; i++ {
		root[i], p.sentStarts[i] = -1, false
	}
	path := p.stack[:0] // the stack is empty, so its memory is free
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
