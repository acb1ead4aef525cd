package spacy

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// The entity recognizer reads a text once from left to right and makes one
// move for every token, in spaCy's BiluoPushDown system. Begin, In and Last are the
// tokens of an entity of several tokens. Unit is an entity of one token. Out is a
// token of no entity.

// The recognizer's model looks at entitySlots tokens: the next one, the first of the open
// entity, and the one before the next. With extra_state_tokens it looks at extraSlots
// tokens: the next one, and the first five of the open entity.
const (
	entitySlots = 3
	extraSlots  = 6
)

// entityModel is the recognizer's transition model with its classes grouped.
type entityModel struct {
	*transition
	outside []run     // the moves while no entity is open
	inside  []insides // the moves in an open entity, by the class of its Begin
	labels  []string  // in the order of the classes
}

// insides has the indices of the classes In and Last of one label; -1: no such class.
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

// entity is an entity in tokens. class is the index of a class with its label. For an entity
// that was there before the recognizer, it is ^i with the entity's index i among these.
type entity struct{ first, end, class int }

// entities finds the entities of the text of f from token at on. No entity may be
// open at that token. It stops at the first token from end on at which no entity is
// open, or after the text's last token, and returns this position as next. It returns
// out with the entities appended.
//
// preset has the entities that a ruler has found before. They stay as they are, and a new
// entity ends before them: in an entity of a ruler only the moves that repeat it are valid,
// so the scores do not matter there.
//
// sentStarts[i] reports whether a sentence starts at token i. For the tokens after
// sentStarts that is unknown. entities fails with the context's error when ctx ends.
func (m *entityModel) entities(ctx context.Context, f *features, sentStarts []bool, preset []matcher.Ent, at, end int, out []entity) (ents []entity, next int, err error) {
	tokens := f.tokens
	open := entity{first: -1}
	var valid [numEntityMoves]bool
	i := at
	coming := firstPreset(preset, at)
	for ; i < len(tokens) && (i < end || open.first >= 0); i++ {
		if coming < len(preset) && preset[coming].Start == i { // no entity is open here
			out = append(out, entity{i, preset[coming].End, ^coming})
			i = preset[coming].End - 1
			coming++
			continue
		}
		if err := f.reach(ctx, i, at); err != nil {
			return out, i, err
		}
		f.set(0, i)
		// An entity cannot go on after the last token of the text or of a sentence, nor
		// into an entity of a ruler.
		mayGoOn := i+1 < len(tokens) && (i+1 >= len(sentStarts) || !sentStarts[i+1]) &&
			(coming == len(preset) || preset[coming].Start != i+1)
		if open.first < 0 {
			for slot := 1; slot < f.slots; slot++ {
				f.set(slot, -1)
			}
			valid[moveBegin] = mayGoOn && !tokens[i].IsSpace
			valid[moveUnit] = !tokens[i].IsSpace
			valid[moveOut] = true
			scores := f.score()
			c, margin := best(scores, m.outside, valid[:])
			if isClose(scores, margin, f.closest) {
				if scores, err = f.scoreLong(ctx); err != nil {
					return out, i, err
				}
				c, _ = best(scores, m.outside, valid[:])
			}
			switch m.classes[c].move {
			case moveBegin:
				open = entity{i, 0, c}
			case moveUnit:
				out = append(out, entity{i, i + 1, c})
			}
			continue
		}
		if f.slots == entitySlots {
			f.set(1, open.first)
			f.set(2, i-1)
		} else {
			f.setFirst(open.first, i)
		}
		scores := f.score()
		closes, margin := m.closes(scores, m.inside[open.class], mayGoOn)
		if isClose(scores, margin, f.closest) {
			if scores, err = f.scoreLong(ctx); err != nil {
				return out, i, err
			}
			closes, _ = m.closes(scores, m.inside[open.class], mayGoOn)
		}
		if closes {
			open.end = i + 1
			out = append(out, open)
			open.first = -1
		}
	}
	return out, i, nil
}

// firstPreset returns the index of the first of the entities that starts at token at or
// later.
func firstPreset(preset []matcher.Ent, at int) int {
	return sort.Search(len(preset), func(i int) bool { return preset[i].Start >= at })
}

// setFirst puts the first tokens of an open entity into the slots after the first slot. The
// next token is not in the entity yet.
func (f *features) setFirst(first, next int) {
	for slot := 1; slot < f.slots; slot++ {
		token := first + slot - 1
		if token >= next {
			token = -1
		}
		f.set(slot, token)
	}
}

// closes reports whether this token is the last one of the open entity. margin is the
// difference of the scores of In and Last, or infinite if only one move is possible.
// Of equal scores the first class wins.
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
