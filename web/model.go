package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// Model is a model of a service. Recognizer must be set.
type Model struct {
	Recognizer ner.Recognizer
	ID         string // its name and version, such as en_core_web_sm-3.8.0: how requests name it

	// Describe describes the model for /v1/models. It may take as long as reading all its
	// files. The first request calls it, and further requests until it succeeds. nil: only
	// the ID is known.
	Describe func() (ModelInfo, error)
}

// model is a model as the routes use it.
type model struct {
	Model
	name, version string // of the ID
	infers        inferStats
	analyzer      ner.Analyzer // the recognizer, if it tells the tokens of a text, else nil
}

// newModels returns the models of the options, the default one first. It fails if two have
// the same id.
func newModels(o *Options) ([]*model, error) {
	var all []*model
	for _, m := range append([]Model{{o.Recognizer, o.ModelID, o.Describe}}, o.More...) {
		if slices.ContainsFunc(all, func(other *model) bool { return other.ID == m.ID }) {
			return nil, fmt.Errorf("two models have the id %q", m.ID)
		}
		name, version := nameAndVersion(m.ID)
		all = append(all, &model{Model: m, name: name, version: version, analyzer: analyzerOf(m.Recognizer)})
	}
	return all, nil
}

// analyzerOf returns the recognizer as an Analyzer, or nil if it does not tell the tokens of
// a text.
func analyzerOf(r ner.Recognizer) ner.Analyzer {
	if a, ok := r.(ner.Analyzer); ok && a.Check(0) == nil {
		return a
	}
	return nil
}

// modelOf reads which model a request wants. value is JSON: an id, or a name. nil means the
// default model.
func (s *server) modelOf(value []byte) (*model, *failure) {
	if value == nil {
		return s.models[0], nil
	}
	var asked string
	if value[0] != '"' || json.Unmarshal(value, &asked) != nil {
		return nil, invalid("`model` is "+textjson.TypeOf(value)+", want a string", hintBody)
	}
	return s.modelNamed(asked)
}

// modelNamed returns the model that has this id, or else the first one that has this name.
func (s *server) modelNamed(asked string) (*model, *failure) {
	i := slices.IndexFunc(s.models, func(m *model) bool { return m.ID == asked })
	if i < 0 {
		i = slices.IndexFunc(s.models, func(m *model) bool { return m.name == asked })
	}
	if i < 0 {
		return nil, s.noModel(asked)
	}
	return s.models[i], nil
}

// nameAndVersion splits the id of a model, such as en_core_web_sm-3.8.0. The version is
// what follows the first hyphen that stands before a digit. prose has no version in its
// id, and the APIs that want one get "0".
func nameAndVersion(id string) (name, version string) {
	for i := 0; i+1 < len(id); i++ {
		if id[i] == '-' && id[i+1] >= '0' && id[i+1] <= '9' {
			return id[:i], id[i+1:]
		}
	}
	return id, "0"
}

// noModel is the answer to a request for a model that this service does not have.
func (s *server) noModel(asked string) *failure {
	hint := fmt.Sprintf("the model here is %s, version %s", s.models[0].name, s.models[0].version)
	if len(s.models) > 1 {
		hint = "the models here are " + strings.Join(s.ids(), ", ")
	}
	return &failure{404, "not_found", fmt.Sprintf("there is no model %.100q", asked), hint}
}

// ids returns the ids of all models, that of the default model first.
func (s *server) ids() []string {
	var ids []string
	for _, m := range s.models {
		ids = append(ids, m.ID)
	}
	return ids
}

// about returns the failure with the name of the field that the client calls name. Common
// code calls it `text`.
func (f *failure) about(name string) *failure {
	g := *f
	g.message = strings.Replace(f.message, "`text`", "`"+name+"`", 1)
	return &g
}

// anyObject returns the failure with a message for routes that want another object than
// one with a text.
func (f *failure) anyObject() *failure {
	g := *f
	g.message = strings.TrimSuffix(f.message, ` with a "text"`)
	return &g
}
