package web

import (
	"fmt"
	"strings"
)

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

// noModel is the answer to a request for another model than the one of this service.
func (s *server) noModel(asked string) *failure {
	name, version := nameAndVersion(s.ModelID)
	return &failure{404, "not_found", fmt.Sprintf("there is no model %.100q", asked),
		fmt.Sprintf("the model here is %s, version %s", name, version)}
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
