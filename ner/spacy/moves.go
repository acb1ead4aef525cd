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

// class is one output of a transition model: a move and its label.
type class struct {
	move  int
	label string
}

// system is one of spaCy's transition systems.
type system struct {
	slots []int // how many tokens its model may look at
	moves int   // how many moves it has

	// never reports whether the model has no output for a class in the list of
	// moves. If never is nil, the model has an output for every class.
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
	slots: []int{entitySlots, extraSlots},
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

var parserSystem = system{slots: []int{parserSlots}, moves: numParserMoves}

// readMoves returns the classes of a moves file in the order of the model's outputs. The
// file does not have this order. readMoves computes it from the labels' frequencies.
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
	var trained, added []entry // labels added after the training have a negative frequency
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
	for _, e := range added { // all moves of a label follow one another
		for move := range sys.moves {
			c := class{move, e.label}
			if slices.ContainsFunc(added, func(e entry) bool { return e.class == c }) {
				add(c)
			}
		}
	}
	return classes, nil
}

// run is a range of neighbouring classes with the same move: first to end-1.
type run struct{ move, first, end int }

// runs returns the runs of the classes for which skip is false.
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

// best returns the class with the highest score among the runs whose move is valid.
// valid has an element for each move of the system. Of equal scores the first one
// wins. margin is the difference to the second highest score, or infinite if there is
// none. If no move is valid, best returns -1.
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
		// Nearly all scores are less than second, so most cost one comparison. The
		// first score is compared with itself: that must not set second.
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
