package web

import "github.com/narwhal-server/narwhal/internal/textjson"

// entities answers with the entities of the text in the body.
func (s *server) entities(r *request) error {
	text, f := s.text(r)
	if f != nil {
		return f
	}
	found, err := s.recognizeOne(r, text)
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
