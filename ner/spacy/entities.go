package spacy

import (
	"context"
	"math"
	"slices"
)

// The entity recognizer reads a text once from left to right and makes one
// move for every token, in spaCy's BiluoPushDown system: Begin, In and Last
// spell an entity of several tokens, Unit one of a single token, and Out is no
// part of any.

// entitySlots are the tokens the recognizer's model looks at: the next one,
// the first of the open entity, and the one before the next.
const entitySlots = 3

// entityModel is the recognizer's transition model with its classes grouped.
type entityModel struct {
	*transition
	outside []run     // the moves while no entity is open
	inside  []insides // by class of the Begin that opened one
	labels  []string  // in the order of the classes
}

// insides are the classes In and Last of one label, -1 if there is none.
type insides struct{ in, last int }

func newEntityModel(t *transition) *entityModel {
	m := &entityModel{transition: t}
	m.outside = runs(t.classes, func(c class) bool {
		opens := c.move == moveBegin || c.move == moveUnit
		return c.move != moveOut && !(opens && c.label != "")
	})
	for _, c := range t.classes {
		m.inside = append(m.inside, insides{
			slices.Index(t.classes, class{moveIn, c.label}),
			slices.Index(t.classes, class{moveLast, c.label}),
		})
		if c.label != "" && !slices.Contains(m.labels, c.label) {
			m.labels = append(m.labels, c.label)
		}
	}
	return m
}

// entity is an entity in tokens.
type entity struct{ first, end, class int }

// entities appends the entities of the text of f from token at on, where none is
// open, to token end or a little further, to the next where none is open; next is
// that token. sentStarts says of the first tokens whether a sentence starts there; of
// others that is not known.
func (m *entityModel) entities(ctx context.Context, f *features, sentStarts []bool, at, end int, out []entity) (ents []entity, next int, err error) {
	tokens := f.tokens
	open := entity{first: -1}
	var valid [numEntityMoves]bool
	i := at
	for ; i < len(tokens) && (i < end || open.first >= 0); i++ {
		if err := f.reach(ctx, i, at); err != nil {
			return out, i, err
		}
		f.set(0, i)
		// An entity cannot go on if this is the text's last token or the
		// sentence's.
		mayGoOn := i+1 < len(tokens) && (i+1 >= len(sentStarts) || !sentStarts[i+1])
		if open.first < 0 {
			f.set(1, -1)
			f.set(2, -1)
			valid[moveBegin] = mayGoOn && !tokens[i].IsSpace
			valid[moveUnit] = !tokens[i].IsSpace
			valid[moveOut] = true
			c, margin := best(f.score(), m.outside, valid[:])
			if f.tooClose(margin) {
				return out, i, errTooClose
			}
			switch m.classes[c].move {
			case moveBegin:
				open = entity{i, 0, c}
			case moveUnit:
				out = append(out, entity{i, i + 1, c})
			}
			continue
		}
		f.set(1, open.first)
		f.set(2, i-1)
		closes, margin := m.closes(f.score(), m.inside[open.class], mayGoOn)
		if f.tooClose(margin) {
			return out, i, errTooClose
		}
		if closes {
			open.end = i + 1
			out = append(out, open)
			open.first = -1
		}
	}
	return out, i, nil
}

// closes decides between In and Last for an open entity, and by how much; of
// equal scores the first class wins.
func (m *entityModel) closes(scores []float32, c insides, mayGoOn bool) (closes bool, margin float32) {
	sure := float32(math.Inf(1))
	switch {
	case !mayGoOn || c.in < 0:
		return true, sure
	case c.last < 0:
		return false, sure
	}
	ahead := scores[c.last] - scores[c.in]
	return ahead > 0 || ahead == 0 && c.last < c.in, max(ahead, -ahead)
}
