package main

import (
	"fmt"
	"strings"

	"github.com/narwhal-server/narwhal/web"
)

// openModels opens the models that --model names, in their order. describe is one line
// about all of them for people. openModels fails if two of them have the same id, because a
// request could then name only the first.
func openModels(names, exclude []string) (models []web.Model, describe string, err error) {
	var about []string
	given := map[string]string{} // by id
	for _, name := range names {
		m, line, err := openServed(name, exclude)
		if err != nil {
			if len(names) > 1 {
				err = fmt.Errorf("--model %s: %w", name, err)
			}
			return nil, "", err
		}
		if other, twice := given[m.ID]; twice {
			return nil, "", fmt.Errorf("--model %s and --model %s are both %s: leave one of them out", other, name, m.ID)
		}
		given[m.ID] = name
		models = append(models, m)
		about = append(about, line)
	}
	return models, strings.Join(about, "; "), nil
}

// openServed opens one model as a server needs it.
func openServed(name string, exclude []string) (m web.Model, describe string, err error) {
	rec, id, describe, err := openRecognizer(name, exclude)
	if err != nil {
		return web.Model{}, "", err
	}
	found, err := findModel(name)
	if err != nil {
		return web.Model{}, "", err
	}
	return web.Model{
		Recognizer: rec,
		ID:         id,
		Describe:   func() (web.ModelInfo, error) { return modelInfo(found, rec, exclude) },
	}, describe, nil
}
