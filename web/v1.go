package web

import (
	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// v1Entities answers POST /v1/entities: all entities of one text or of several, with
// offsets.
func (s *server) v1Entities(r *request) error {
	q, f := s.readQuery(r)
	if f != nil {
		return f
	}
	b := append([]byte(`{"model":`), textjson.AppendString(nil, s.ModelID)...)
	if !q.several {
		found, err := s.recognizeOne(r, q.items[0].text)
		if err != nil {
			return err
		}
		b = append(b, `,"ents":`...)
		b = q.appendEnts(b, q.items[0].text, found)
		r.json(append(b, '}'))
		return nil
	}
	results, err := s.recognize(r, q.texts())
	if err != nil {
		return err
	}
	b = append(b, `,"results":[`...)
	for i, it := range q.items {
		if i > 0 {
			b = append(b, ',')
		}
		if it.fault != nil {
			b = q.appendResult(b, it, result{fault: it.fault})
			continue
		}
		b = q.appendResult(b, it, results[0])
		results = results[1:]
	}
	r.json(append(b, "]}"...))
	return nil
}

// texts returns the texts of the items that have one.
func (q *query) texts() []string {
	var texts []string
	for _, it := range q.items {
		if it.fault == nil {
			texts = append(texts, it.text)
		}
	}
	return texts
}

// appendResult appends the result of one text of several: its entities, or its error.
func (q *query) appendResult(b []byte, it item, result result) []byte {
	b = append(b, '{')
	if it.id != nil {
		b = append(b, `"id":`...)
		b = append(b, it.id...)
		b = append(b, ',')
	}
	if f := result.fault; f != nil {
		body := errorbody.Body{Message: f.message, Type: f.kind, Hint: f.hint}.Append(nil)
		return append(b, body[1:]...)
	}
	b = append(b, `"ents":`...)
	b = q.appendEnts(b, it.text, result.ents)
	return append(b, '}')
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
