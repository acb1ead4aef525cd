package spacy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/narwhal-server/narwhal/internal/msgpack"
)

// class is one output of a transition model: a move and the label it gives.
type class struct {
	move  int
	label string
}

// system is one of spaCy's transition systems.
type system struct {
	slots int // tokens that its model looks at
	moves int

	// never reports classes that the model has no output for, although they are
	// in the list of moves; nil: it has one for each.
	never func(class) bool
}

// The moves of the entity recognizer (spacy/pipeline/_parser_internals/ner.pyx).
const (
	moveMissing = iota
	moveBegin
	moveIn
	moveLast
	moveUnit
	moveOut
	numEntityMoves
)

var entitySystem = system{
	slots: entitySlots,
	moves: numEntityMoves,
	never: func(c class) bool { return c.move == moveMissing || c.move == moveOut && c.label != "" },
}

// The moves of the parser (arc_eager.pyx).
const (
	moveShift = iota
	moveReduce
	moveLeft
	moveRight
	moveBreak
	numParserMoves
)

var parserSystem = system{slots: parserSlots, moves: numParserMoves}

// readMoves returns the classes of a moves file in the order of the model's
// outputs. The file does not give this order: it follows from the labels'
// frequencies.
func readMoves(data []byte, sys *system) ([]class, error) {
	c := msgpack.NewReader(data)
	var text []byte
	for range c.Map() {
		if key := c.Text(); string(key) == "moves" {
			text = c.Text()
		} else {
			c.Skip()
		}
		if c.Err() != nil {
			break
		}
	}
	if err := c.End(); err != nil {
		return nil, err
	}
	var freqs map[string]map[string]int64
	if err := json.Unmarshal(text, &freqs); err != nil {
		return nil, fmt.Errorf("the list of moves: %w", err)
	}
	type entry struct {
		class
		freq int64
	}
	var trained, added []entry // added: after the training, with a negative frequency
	for key, labels := range freqs {
		move, err := strconv.Atoi(key)
		if err != nil || move < 0 || move >= sys.moves {
			return nil, fmt.Errorf("unknown move %q", key)
		}
		for label, freq := range labels {
			e := entry{class{move, label}, freq}
			if freq >= 0 {
				trained = append(trained, e)
			} else {
				added = append(added, e)
			}
		}
	}
	slices.SortFunc(trained, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.move, b.move), cmp.Compare(b.freq, a.freq), cmp.Compare(b.label, a.label))
	})
	slices.SortFunc(added, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.freq, a.freq), cmp.Compare(b.label, a.label), cmp.Compare(a.move, b.move))
	})
	var classes []class
	add := func(c class) {
		never := sys.never != nil && sys.never(c)
		if !never && !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	for _, e := range trained {
		add(e.class)
	}
	for _, e := range added { // the label's other moves follow its first one
		for move := range sys.moves {
			c := class{move, e.label}
			if slices.ContainsFunc(added, func(e entry) bool { return e.class == c }) {
				add(c)
			}
		}
	}
	return classes, nil
}

// run is a range of neighbouring classes of one move: from first up to end.
type run struct{ move, first, end int }

// runs groups the classes, leaving out those for which skip is true.
func runs(classes []class, skip func(class) bool) []run {
	var out []run
	for i, c := range classes {
		if skip(c) {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].move == c.move && out[last].end == i {
			out[last].end++
			continue
		}
		out = append(out, run{c.move, i, i + 1})
	}
	return out
}

// best returns the class with the highest score among the runs whose move is
// valid (valid has all moves of the system), the first of equals, or -1 if no move is valid, and by how much it is
// ahead of the next.
func best(scores []float32, runs []run, valid []bool) (at int, margin float32) {
	at = -1
	top, second := float32(math.Inf(-1)), float32(math.Inf(-1))
	for _, r := range runs {
		if !valid[r.move] {
			continue
		}
		if at < 0 {
			at, top = r.first, scores[r.first]
		}
		// Nearly all scores are less than both: one comparison each. The very
		// first meets itself, which is no second.
		for i, s := range scores[r.first:r.end] {
			if s > second {
				switch {
				case s > top:
					at, top, second = r.first+i, s, top
				case r.first+i != at:
					second = s
				}
			}
		}
	}
	return at, top - second
}
