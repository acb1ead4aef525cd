package model

import (
	"errors"
	"fmt"
	"strings"
)

// explosions are the pipelines that Auto prefers, by speed.
var explosions = []string{"en_core_web_sm", "en_core_web_md", "en_core_web_lg"}

// Auto finds the pipeline to use when nobody names one: the one in this
// program; else en_core_web_sm, en_core_web_md or en_core_web_lg, in that
// order; else the only pipeline that is installed. The error is a NotFoundError
// if there is none at all. It is another one if several are installed, or if
// one of Explosion's is there and broken.
func (p Places) Auto() (*Model, error) {
	if p.embedded != "" {
		return openEmbedded(p.embedded)
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
		if l.Err == nil && !l.Hidden { // other folders may lie there, too
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
	return nil, fmt.Errorf("several pipelines are installed (%s), and auto takes none of them by itself: choose one, as with --model %s",
		strings.Join(names, ", "), names[0])
}
