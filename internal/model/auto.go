package model

import (
	"errors"
	"fmt"
	"strings"
)

// explosions has the pipelines that Auto prefers, published by Explosion, the fastest first.
var explosions = []string{"en_core_web_sm", "en_core_web_md", "en_core_web_lg"}

// Auto finds the pipeline to use when no name is given. It is the first of these:
//
//   - the pipeline in this program
//   - en_core_web_sm, en_core_web_md or en_core_web_lg, in this order
//   - the only pipeline that is installed
//
// If no pipeline is installed, the error is a NotFoundError. It is another error if several
// other pipelines are installed, or if the pipeline in this program or the first one of
// en_core_web_sm, _md and _lg that is installed is broken.
func (p Places) Auto() (*Model, error) {
	if p.Archive != "" {
		return openEmbedded(p.Archive)
	}
	var missing *NotFoundError
	for _, name := range explosions {
		m, err := p.Find(name)
		if !errors.As(err, &missing) {
			return m, err
		}
	}
	all, err := p.List()
	if err != nil {
		return nil, err
	}
	var found []*Model
	var names []string
	for _, l := range all {
		if l.Err == nil && !l.Hidden { // a place may also have folders that are no pipelines
			found = append(found, l.Model)
			names = append(names, l.Name)
		}
	}
	switch len(found) {
	case 0:
		return nil, p.notFound(Default)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("several pipelines are installed (%s), so auto cannot choose one: name one, as in --model %s",
		strings.Join(names, ", "), names[0])
}
