package web

import (
	"strconv"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// The displaCy service of spacy-services, without /dep: narwhal answers no dependencies.

// spacyModels answers GET /models: for each model a name for people, and the labels of each
// component. The key is the model's name, or its id if a model before it has that name.
func (s *server) spacyModels(r *request) error {
	names := map[string]string{}
	labels := map[string]map[string][]string{}
	for _, m := range s.models {
		key := m.name
		if names[key] != "" {
			key = m.ID
		}
		names[key] = "English - " + m.name + " (v" + m.version + ")" // all pipelines that narwhal runs are English
		found := []string{}
		if l, ok := m.Recognizer.(interface{ Labels() []string }); ok {
			found = l.Labels()
		}
		labels[key] = map[string][]string{"ner": found}
	}
	return r.marshal(struct {
		Models map[string]string              `json:"models"`
		Labels map[string]map[string][]string `json:"labels"`
	}{names, labels})
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
	m, f := s.modelOf(o.Get("model"))
	if f != nil {
		return f
	}
	found, err := s.recognizeOne(r, m, text)
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
