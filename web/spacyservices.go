package web

import (
	"encoding/json"
	"strconv"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// The displaCy service of spacy-services, without /dep: narwhal answers no dependencies.

// spacyModels answers GET /models: a name for people, and the labels of each component, by
// the model's name.
func (s *server) spacyModels(r *request) error {
	name, version := nameAndVersion(s.ModelID)
	labels := []string{}
	if l, ok := s.Recognizer.(interface{ Labels() []string }); ok {
		labels = l.Labels()
	}
	return r.marshal(struct {
		Models map[string]string              `json:"models"`
		Labels map[string]map[string][]string `json:"labels"`
	}{
		// All pipelines that narwhal runs are English.
		map[string]string{name: "English - " + name + " (v" + version + ")"},
		map[string]map[string][]string{name: {"ner": labels}},
	})
}

// spacyEnt answers POST /ent: the entities of a text.
func (s *server) spacyEnt(r *request) error {
	o, f := s.object(r)
	if f != nil {
		return f
	}
	text, f := textOf(o)
	if f != nil {
		return f
	}
	if f := s.isModel(o.Get("model")); f != nil {
		return f
	}
	found, err := s.recognizeOne(r, text)
	if err != nil {
		return err
	}
	b := []byte{'['}
	for i, e := range found {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"start":`...)
		b = strconv.AppendInt(b, int64(e.RuneStart), 10)
		b = append(b, `,"end":`...)
		b = strconv.AppendInt(b, int64(e.RuneEnd), 10)
		b = append(b, `,"label":`...)
		b = textjson.AppendString(b, e.Label)
		b = append(b, '}')
	}
	r.json(append(b, ']'))
	return nil
}

// isModel fails if a request asks for another model than the one of this service. value is
// JSON, or nil if the request names no model.
func (s *server) isModel(value []byte) *failure {
	if value == nil {
		return nil
	}
	var asked string
	if value[0] != '"' || json.Unmarshal(value, &asked) != nil {
		return invalid("`model` is "+textjson.TypeOf(value)+", want a string", hintBody)
	}
	if name, _ := nameAndVersion(s.ModelID); asked != name && asked != s.ModelID {
		return s.noModel(asked)
	}
	return nil
}
