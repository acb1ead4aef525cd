package spacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/narwhal-server/narwhal/internal/morph"
	"github.com/narwhal-server/narwhal/ner"
)

// tagger is spaCy's Tagger.
type tagger struct {
	*tagModel
	labels    []string
	overwrite bool
}

// annotate sets the tags of the tokens.
func (t *tagger) annotate(ctx context.Context, w *work, out []ner.Annotation) error {
	return t.all(ctx, w, func(i, class int) {
		if a := &out[i]; t.overwrite || a.Tag == "" {
			a.Tag = t.labels[class]
		}
	})
}

// all calls set with the class of every token.
func (m *tagModel) all(ctx context.Context, w *work, set func(token, class int)) error {
	var tw tagWork
	if i := slices.IndexFunc(w.parser.taps, func(t tap) bool { return t.tagModel == m }); i >= 0 && w.parser.encoded == len(w.tokens) {
		return m.settle(ctx, &tw, w.text, w.tokens, 0, w.parser.taps[i].classes, set)
	}
	for first := 0; first < len(w.tokens); first += encodeRows {
		end := min(first+encodeRows, len(w.tokens))
		if err := m.choose(ctx, &w.encoder, &tw, w.text, w.tokens, first, end, set); err != nil {
			return err
		}
	}
	return nil
}

// taggerCfg is the file cfg of a tagger.
type taggerCfg struct {
	Labels    []string
	Overwrite bool
}

// morphologizer is spaCy's Morphologizer: a tagger that sets features and parts of speech.
type morphologizer struct {
	*tagModel
	labels            []morphLabel
	overwrite, extend bool
}

// morphLabel is a class of a morphologizer.
type morphLabel struct {
	pos   string
	morph string
	feats morph.Feats // of morph
}

// annotate sets the features and the parts of speech of the tokens.
func (m *morphologizer) annotate(ctx context.Context, w *work, out []ner.Annotation) error {
	var failed error
	err := m.all(ctx, w, func(i, class int) {
		a, l := &out[i], &m.labels[class]
		switch {
		case m.extend:
			if err := m.extendFeats(a, l.feats); err != nil {
				failed = err
			}
		case m.overwrite || a.Morph == "":
			a.Morph = l.morph
		}
		if m.overwrite || a.Pos == "" {
			a.Pos = l.pos
		}
	})
	return errors.Join(err, failed)
}

// extendFeats adds features to those of a token. For a field that both have, overwrite says
// which value stays.
func (m *morphologizer) extendFeats(a *ner.Annotation, more morph.Feats) error {
	feats, err := morph.Parse(a.Morph)
	if err != nil {
		return err
	}
	for field, value := range more {
		if _, has := feats[field]; !has || m.overwrite {
			feats[field] = value
		}
	}
	a.Morph = feats.String()
	return nil
}

// morphologizerCfg is the file cfg of a morphologizer.
type morphologizerCfg struct {
	LabelsMorph       orderedStrings   `json:"labels_morph"`
	LabelsPos         map[string]int64 `json:"labels_pos"`
	Overwrite, Extend bool
}

// labels returns the classes.
func (c *morphologizerCfg) labels() ([]morphLabel, error) {
	var labels []morphLabel
	for _, l := range c.LabelsMorph {
		feats, err := morph.Parse(l.value)
		if err != nil {
			return nil, fmt.Errorf("labels_morph: %w", err)
		}
		pos, err := posName(c.LabelsPos[l.key])
		if err != nil {
			return nil, fmt.Errorf("labels_pos: %q: %w", l.key, err)
		}
		labels = append(labels, morphLabel{pos, feats.String(), feats})
	}
	return labels, nil
}

// orderedStrings is a JSON object of strings in the order of the file, which is that of the
// classes of a model.
type orderedStrings []struct{ key, value string }

// UnmarshalJSON implements json.Unmarshaler.
func (o *orderedStrings) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	t, err := d.Token()
	if err == nil && t != json.Delim('{') {
		err = fmt.Errorf("%v, want an object", t)
	}
	for err == nil && d.More() {
		var key, value json.Token
		if key, err = d.Token(); err != nil {
			break
		}
		if value, err = d.Token(); err != nil {
			break
		}
		s, ok := value.(string)
		if !ok {
			return fmt.Errorf("%q is %v, want a string", key, value)
		}
		*o = append(*o, struct{ key, value string }{key.(string), s})
	}
	return err
}
