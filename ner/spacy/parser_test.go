package spacy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/narwhal-server/narwhal/ner"
)

// plainParse is the parser's state as spaCy's documentation describes it. It is slow: it
// searches in lists.
type plainParse struct {
	n, next         int
	stack, rebuffer []int
	heads           []int
	left, right     [][]int // children of each head in the order of their arcs; -1: removed
	unshiftable     []bool
	starts          []bool
}

func newPlainParse(n int) *plainParse {
	p := &plainParse{n: n, heads: slices.Repeat([]int{-1}, n), left: make([][]int, n), right: make([][]int, n),
		unshiftable: make([]bool, n), starts: make([]bool, n)}
	p.starts[0] = true
	return p
}

func (p *plainParse) buffer() []int {
	b := slices.Clone(p.rebuffer)
	slices.Reverse(b)
	for i := p.next; i < p.n; i++ {
		b = append(b, i)
	}
	return b
}

func at(list []int, i int) int {
	if i < 0 || i >= len(list) {
		return -1
	}
	return list[i]
}

func newest(lists [][]int, head int) int {
	if head < 0 {
		return -1
	}
	for _, c := range slices.Backward(lists[head]) {
		if c >= 0 {
			return c
		}
	}
	return -1
}

func (p *plainParse) slots() []int {
	b, s := p.buffer(), p.stack
	b0, s0 := at(b, 0), at(s, len(s)-1)
	return []int{b0, at(b, 1), s0, at(s, len(s)-2), at(s, len(s)-3), newest(p.left, b0), newest(p.left, s0), newest(p.right, s0)}
}

func (p *plainParse) valid() []int {
	b := p.buffer()
	b0, b1 := at(b, 0), at(b, 1)
	startsHere := b0 >= 0 && p.starts[b0]
	var moves []int
	if len(p.stack) == 0 || len(b) >= 2 && !startsHere && !p.unshiftable[b0] {
		moves = append(moves, moveShift)
	}
	if len(p.stack) > 0 {
		moves = append(moves, moveReduce)
	}
	if len(p.stack) > 0 && len(b) > 0 && !startsHere {
		moves = append(moves, moveLeft, moveRight)
	}
	if len(b) >= 2 && b1 == b0+1 && !p.starts[b1] {
		moves = append(moves, moveBreak)
	}
	return moves
}

func (p *plainParse) arc(head, child int) {
	if old := p.heads[child]; old >= 0 {
		lists := p.right
		if old > child {
			lists = p.left
		}
		if last := len(lists[old]) - 1; lists[old][last] == child {
			lists[old] = lists[old][:last]
		} else {
			lists[old][slices.Index(lists[old], child)] = -1
		}
	}
	p.heads[child] = head
	if head > child {
		p.left[head] = append(p.left[head], child)
	} else {
		p.right[head] = append(p.right[head], child)
	}
}

func (p *plainParse) apply(move int) {
	b := p.buffer()
	b0, depth := at(b, 0), len(p.stack)
	push := func() {
		p.stack = append(p.stack, b0)
		if len(p.rebuffer) > 0 {
			p.rebuffer = p.rebuffer[:len(p.rebuffer)-1]
		} else {
			p.next++
		}
	}
	switch move {
	case moveShift:
		push()
	case moveReduce:
		s0 := p.stack[depth-1]
		p.stack = p.stack[:depth-1]
		if p.heads[s0] < 0 && depth > 1 {
			p.unshiftable[s0] = true
			p.rebuffer = append(p.rebuffer, s0)
		}
	case moveLeft:
		p.arc(b0, p.stack[depth-1])
		p.unshiftable[b0] = false
		p.stack = p.stack[:depth-1]
	case moveRight:
		p.arc(p.stack[depth-1], b0)
		push()
	case moveBreak:
		p.starts[at(b, 1)] = true
	}
}

// sentences reports for each token whether it is the first token of a tree.
func (p *plainParse) sentences() []bool {
	starts := make([]bool, p.n)
	seen := map[int]bool{}
	for i := range p.n {
		root := i
		for p.heads[root] >= 0 {
			root = p.heads[root]
		}
		if !seen[root] {
			seen[root], starts[i] = true, true
		}
	}
	return starts
}

// TestParseAgainstPlainLists makes the same random moves with parse and plainParse. It
// compares the model's slots, the valid moves and the sentences. It asks for the
// sentences of some tokens before the end, and for all sentences at the end.
func TestParseAgainstPlainLists(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var p parse // used again for every text, as in a work
	soon := 0
	for range 3000 {
		n := 1 + r.IntN(2*pageRows)
		want := newPlainParse(n)
		p.reset(n)
		upTo := r.IntN(n + 1)
		for {
			if upTo > p.known && p.complete(upTo) {
				p.roots()
				if p.known < upTo {
					t.Fatalf("%d known, want %d", p.known, upTo)
				}
				if p.known < n {
					soon++
				}
			}
			if p.complete(n) {
				break
			}
			f := &features{pageOf: []int32{0, 1}, pages: make([]page, 2)} // token i is in row i+1
			b0, b1 := p.buffer(0), p.buffer(1)
			p.fill(f, b0, b1)
			for slot, token := range want.slots() {
				if got := int(f.rows[slot]) - 1; got != token {
					t.Fatalf("slot %d holds %d, want %d, in %+v", slot, got, token, want)
				}
			}
			var valid [numParserMoves]bool
			p.validate(&valid, b0, b1)
			moves := want.valid()
			for move := range numParserMoves {
				if valid[move] != slices.Contains(moves, move) {
					t.Fatalf("move %d is valid: %v; valid are %v in %+v", move, valid[move], moves, want)
				}
			}
			for _, token := range want.slots() {
				if token >= 0 && token < p.keep {
					t.Fatalf("slots %v, but tokens before %d may be forgotten, in %+v", want.slots(), p.keep, want)
				}
			}
			move := moves[r.IntN(len(moves))]
			p.apply(move, b0, b1)
			want.apply(move)
		}
		if len(want.stack) > 0 || len(want.buffer()) > 0 {
			t.Fatalf("ended with %+v", want)
		}
		if p.known < n {
			p.roots()
		}
		if p.known != n || !slices.Equal(p.sentStarts, want.sentences()) {
			t.Fatalf("sentences of the first %d of %d start at %v, want %v, heads %v", p.known, n, p.sentStarts, want.sentences(), want.heads)
		}
	}
	if soon < 300 {
		t.Errorf("%d times sentences were known before the end, want some hundreds", soon)
	}
}

// TestParserModelEnds checks with random weights that the parser ends, and that every
// token is in a sentence.
func TestParserModelEnds(t *testing.T) {
	s := small
	s.parser = true
	for seed := range uint64(20) {
		p, err := openFiles(s.files(t, seed), Options{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := p.Analyze(t.Context(), "Tim Cook isn't  in\nParis, he (or she?) is in the U.S. with 12 others: don't.", ner.Sents)
		if err != nil {
			t.Fatal(err)
		}
		checkSents(t, doc)
	}
}
