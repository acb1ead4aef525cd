package spacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// annotators returns the components that set annotations. Their models, rules and tables
// are read when they are first needed.
func (l *loader) annotators(p *Pipeline, plan *plan, exclude []string) *annotators {
	return &annotators{
		list:  plan.annotate,
		noDoc: plan.noDoc,
		why:   l.config.noAnnotations(exclude),
		read:  func(c *annotating) { l.annotator(p, c) },
	}
}

// hold opens the files that annotator will read: a folder can be replaced by another pipeline
// with the same name.
func (l *loader) hold(list []annotating) {
	type file struct {
		data []byte
		err  error
	}
	files := map[string]file{}
	open := func(names ...string) {
		for _, name := range names {
			data, err := l.src(name)
			files[name] = file{data, err}
		}
	}
	for _, c := range list {
		if c.known {
			continue
		}
		switch c.factory {
		case "tagger", "morphologizer":
			open(c.name+"/cfg", c.name+"/model")
			if c.listensTo != "" && l.shared[c.listensTo] == nil {
				open(c.listensTo + "/model")
			}
			if l.vectors == nil {
				open("vocab/vectors.cfg", "vocab/vectors", "vocab/key2row")
			}
		case "attribute_ruler":
			open(c.name+"/patterns", "tokenizer", "vocab/lookups.bin")
		case "lemmatizer":
			open(c.name + "/lookups/lookups.bin")
		}
	}
	l.src = func(name string) ([]byte, error) {
		f, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s was not opened: %w", name, fs.ErrNotExist)
		}
		return f.data, f.err
	}
}

// noAnnotations says for each field of an annotation why no component of the pipeline sets
// it.
func (c config) noAnnotations(exclude []string) map[ner.Want]error {
	why := map[ner.Want]error{}
	for _, n := range annotationNames {
		reasons := c.left(n.factories, exclude)
		if len(reasons) == 0 {
			reasons = []string{"it has no " + n.who}
		}
		why[n.field] = fmt.Errorf("the pipeline finds no %s: %s", n.what, strings.Join(reasons, ", "))
	}
	return why
}

// annotator reads the files of a component.
func (l *loader) annotator(p *Pipeline, c *annotating) {
	if c.err != nil {
		return
	}
	var err error
	switch c.factory {
	case "parser":
		err = p.noSents
		if c.run != nil {
			err = p.parser.checkLabels(c.name)
		}
	case "tagger":
		c.run, err = l.tagger(c.component)
	case "morphologizer":
		c.run, err = l.morphologizer(c.component)
	case "attribute_ruler":
		var r *attributeRuler
		if r, err = l.attributeRuler(p, c.component); err == nil {
			c.run, c.sets, c.reads = r, r.sets, r.uses
		}
	case "lemmatizer":
		var m *lemmatizer
		if m, err = l.lemmatizer(c.component); err == nil {
			if c.run = m; m.words == nil {
				c.reads = ner.Pos | ner.Morph
			}
		}
	default:
		err = fmt.Errorf("component %q (factory %s) is not implemented: exclude it", c.name, c.factory)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("component %q: %w: install the pipeline again, with all of its files", c.name, err)
	}
	c.err = err
}

func (l *loader) tagger(c component) (annotator, error) {
	t := &tagger{}
	if _, err := l.config.get("components."+c.name, "overwrite", &t.overwrite); err != nil {
		return nil, fmt.Errorf("config.cfg: %w", err)
	}
	file := taggerCfg{Overwrite: t.overwrite}
	if err := l.cfg(c.name, &file); err != nil {
		return nil, err
	}
	t.labels, t.overwrite = file.Labels, file.Overwrite
	var err error
	t.tagModel, err = l.tagModel(c, len(t.labels))
	return t, err
}

func (l *loader) morphologizer(c component) (annotator, error) {
	file := morphologizerCfg{Overwrite: true} // spaCy's defaults
	for key, v := range map[string]*bool{"overwrite": &file.Overwrite, "extend": &file.Extend} {
		if _, err := l.config.get("components."+c.name, key, v); err != nil {
			return nil, fmt.Errorf("config.cfg: %w", err)
		}
	}
	if err := l.cfg(c.name, &file); err != nil {
		return nil, err
	}
	m := &morphologizer{overwrite: file.Overwrite, extend: file.Extend}
	var err error
	if m.labels, err = file.labels(); err != nil {
		return nil, fmt.Errorf("%s/cfg: %w", c.name, err)
	}
	m.tagModel, err = l.tagModel(c, len(m.labels))
	return m, err
}

// cfg decodes the file cfg of a component.
func (l *loader) cfg(name string, v any) error {
	raw, err := l.src.read(name + "/cfg")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s/cfg: %w", name, err)
	}
	return nil
}

// tagModel reads the model of a tagger, morphologizer or senter.
func (l *loader) tagModel(c component, classes int) (*tagModel, error) {
	if classes == 0 {
		return nil, fmt.Errorf("%s/cfg: no labels: the component was not trained", c.name)
	}
	shared, err := l.upstream(c)
	if err != nil {
		return nil, err
	}
	layers, err := l.model(c.name)
	if err != nil {
		return nil, err
	}
	m, err := newTagModel(layers, classes, shared, l.vectorsOf(c.name), l.cache)
	if err != nil {
		return nil, fmt.Errorf("%s/model: %w", c.name, err)
	}
	return m, nil
}

func (l *loader) attributeRuler(p *Pipeline, c component) (*attributeRuler, error) {
	file := c.name + "/patterns"
	raw, err := l.src.read(file)
	if err != nil {
		return nil, err
	}
	r, err := newAttributeRuler(c.name, raw, &matcher.Language{Tokenizer: p.tokenizer, Norms: l.norms, OnlyAnnotations: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func (l *loader) lemmatizer(c component) (*lemmatizer, error) {
	mode, overwrite := "lookup", false // spaCy's defaults
	for key, v := range map[string]any{"mode": &mode, "overwrite": &overwrite} {
		if _, err := l.config.get("components."+c.name, key, v); err != nil {
			return nil, fmt.Errorf("config.cfg: %w", err)
		}
	}
	if slices.Contains(ownLemmatizers, l.lang) {
		return nil, fmt.Errorf("config.cfg: component %q (factory lemmatizer): the lemmatizer for %q is not implemented: exclude %[1]q", c.name, l.lang)
	}
	if !slices.Contains([]string{"rule", "lookup"}, mode) {
		return nil, fmt.Errorf("config.cfg: [components.%s] mode is %q: can run only rule, lookup", c.name, mode)
	}
	file := c.name + "/lookups/lookups.bin"
	raw, err := l.src.read(file)
	if err != nil {
		return nil, err
	}
	m, err := newLemmatizer(raw, mode, overwrite)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if l.lang != "en" {
		m.isBase = func(string, string) bool { return false }
	}
	return m, nil
}

// ownLemmatizers are the languages whose lemmatizer spaCy has programmed separately, but for
// English.
var ownLemmatizers = []string{"bn", "ca", "el", "es", "fa", "fr", "ga", "ht", "it", "mk", "nb", "nl", "pl", "ru", "sv", "uk"}
