package web

import (
	"errors"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// v1Entities answers POST /v1/entities: all entities of one text or of several, with
// offsets. The texts of a request are computed one after the other, in the place of the
// request. A text with a fault costs only its own result. When the client has hung up, no
// further text is computed.
func (s *server) v1Entities(r *request) error {
	q, f := s.readQuery(r)
	if f != nil {
		return f
	}
	t, err := s.takeTurn(r)
	if err != nil {
		return err
	}
	defer t.end()
	b := append([]byte(`{"model":`), textjson.AppendString(nil, s.ModelID)...)
	if !q.several {
		found, err := t.entities(q.items[0].text)
		if err != nil {
			return err
		}
		b = append(b, `,"ents":`...)
		b = q.appendEnts(b, q.items[0].text, found)
		r.json(append(b, '}'))
		return nil
	}
	b = append(b, `,"results":[`...)
	for i, it := range q.items {
		if i > 0 {
			if r.gate.Gone() {
				return gate.ErrGone
			}
			b = append(b, ',')
		}
		if b, err = q.appendResult(b, t, it); err != nil {
			return err
		}
	}
	r.json(append(b, "]}"...))
	return nil
}

// appendResult appends the result of one text of several: its entities, or its error.
func (q *query) appendResult(b []byte, t *turn, it item) ([]byte, error) {
	f := it.fault
	var found []ner.Entity
	if f == nil {
		var err error
		if found, err = t.entities(it.text); err != nil && !errors.As(err, &f) {
			return nil, err
		}
	}
	b = append(b, '{')
	if it.id != nil {
		b = append(b, `"id":`...)
		b = append(b, it.id...)
		b = append(b, ',')
	}
	if f != nil {
		body := errorbody.Body{Message: f.message, Type: f.kind, Hint: f.hint}.Append(nil)
		return append(b, body[1:]...), nil
	}
	b = append(b, `"ents":`...)
	b = q.appendEnts(b, it.text, found)
	return append(b, '}'), nil
}

// appendEnts appends the entities whose labels are wanted.
func (q *query) appendEnts(b []byte, text string, found []ner.Entity) []byte {
	if q.labels != nil {
		wanted := found[:0:0]
		for _, e := range found {
			if q.labels[e.Label] {
				wanted = append(wanted, e)
			}
		}
		found = wanted
	}
	return textjson.AppendEnts(b, text, found, q.offsets)
}
