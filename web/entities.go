package web

import "github.com/narwhal-server/narwhal/internal/textjson"

// entities answers with the entities of the text in the body. A POST without a text, but
// with inputs, comes from a client of Hugging Face: tokenClassification answers it.
// A browser that sends no body gets the page.
func (s *server) entities(r *request) error {
	if wantsPage(r) {
		return s.index(r)
	}
	o, f := s.object(r)
	if f != nil {
		return f
	}
	if inputs := o.Get("inputs"); inputs != nil && o.Get("text") == nil && r.IsPost() {
		return s.tokenClassification(r, inputs, o)
	}
	text, f := textOf(o)
	if f != nil {
		return f
	}
	found, err := s.recognizeOne(r, s.models[0], text)
	if err != nil {
		return err
	}
	r.json(textjson.AppendLabels(nil, found))
	return nil
}

// json makes body, which is JSON, the body of the response.
func (r *request) json(body []byte) {
	r.Response.Header.SetContentType("application/json")
	r.Response.SetBodyRaw(body)
}
