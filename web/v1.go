package web

import (
	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/textjson"
)

// v1Entities answers POST /v1/entities: all entities of one text or of several, with
// offsets, or as markup if the client prefers HTML.
func (s *server) v1Entities(r *request) error {
	if isLines(mediaType(&r.Request.Header)) {
		return s.v1Lines(r)
	}
	q, f := s.readQuery(r)
	if f != nil {
		return f
	}
	html := r.prefersHTML()
	if html && q.include != (include{}) {
		r.vary(fasthttp.HeaderAccept)
		return errHTMLIncludes
	}
	results, err := s.resultsOf(r, q)
	if err != nil {
		return err
	}
	r.vary(fasthttp.HeaderAccept)
	if html {
		r.html(q.markup(results))
		return nil
	}
	b := append([]byte(`{"model":`), textjson.AppendString(nil, q.model.ID)...)
	if !q.several {
		b = q.appendDoc(append(b, ','), q.items[0].text, results[0].doc)
		r.json(append(b, '}'))
		return nil
	}
	b = append(b, `,"results":[`...)
	for i, it := range q.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = q.appendResult(b, it, results[i])
	}
	r.json(append(b, "]}"...))
	return nil
}

var errHTMLIncludes = invalid("`include` asks for more than entities, but the answer is to be HTML (Accept), which has no place for it",
	"leave out `include`, or ask for application/json")

// resultsOf returns a result for each item of a query. If the query has only one text and
// not a list, a fault of it is an error.
func (s *server) resultsOf(r *request, q *query) ([]result, error) {
	if !q.several {
		found, err := s.recognize(r, q.model, []string{q.items[0].text}, q.include)
		if err == nil && found[0].fault != nil {
			return nil, found[0].fault
		}
		return found, err
	}
	found, err := s.recognize(r, q.model, q.texts(), q.include)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(q.items))
	for i, it := range q.items {
		if it.fault != nil {
			results[i].fault = it.fault
			continue
		}
		results[i], found = found[0], found[1:]
	}
	return results, nil
}

// markup returns the texts of a query with their entities as HTML.
func (q *query) markup(results []result) []byte {
	var b []byte
	for i, it := range q.items {
		if i > 0 {
			b = append(b, "\n\n"...)
		}
		if f := results[i].fault; f != nil {
			b = appendFault(b, f)
		} else {
			b = appendMarkup(b, it.text, results[i].doc.Ents, q.labels)
		}
	}
	return b
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
	return append(q.appendDoc(b, it.text, result.doc), '}')
}
