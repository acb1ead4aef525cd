package spacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// rulerFactories lists the factories whose components find entities by rules. A span_ruler
// is one of them only with annotate_ents.
var rulerFactories = []string{"entity_ruler", "future_entity_ruler", "span_ruler"}

// rulerSettings are the settings of a ruler in config.cfg or in its own file.
type rulerSettings struct {
	overwrite bool
	idSep     string // ent_id_sep
	attr      string // phrase_matcher_attr; "": none
	validate  bool
	filter    entsFilter // of a span_ruler
}

// setsEnts reports whether a component is a ruler that sets entities.
func (c config) setsEnts(comp component) (sets bool, err error) {
	if comp.factory != "span_ruler" {
		return slices.Contains(rulerFactories, comp.factory), nil
	}
	_, err = c.get("components."+comp.name, "annotate_ents", &sets)
	return sets, err
}

// rulerSettings returns the settings of a ruler in config.cfg.
func (c config) rulerSettings(comp component) (s rulerSettings, err error) {
	section := "components." + comp.name
	if _, err := c.want(section+".matcher_fuzzy_compare", "@misc", "spacy.levenshtein_compare.v1"); err != nil {
		return s, err
	}
	var attr any
	overwrites := "overwrite_ents"
	s.idSep = "||"
	if comp.factory == "span_ruler" {
		overwrites, s.overwrite = "overwrite", true
	}
	for key, v := range map[string]any{overwrites: &s.overwrite, "ent_id_sep": &s.idSep, "validate": &s.validate, "phrase_matcher_attr": &attr} {
		if _, err := c.get(section, key, v); err != nil {
			return s, err
		}
	}
	if s.attr, err = attrName(attr); err != nil {
		return s, fmt.Errorf("[%s] %w", section, err)
	}
	name := "spacy.first_longest_spans_filter.v1"
	switch {
	case comp.factory == "future_entity_ruler" && s.overwrite:
		name = "spacy.prioritize_new_ents_filter.v1"
	case comp.factory == "future_entity_ruler":
		name = "spacy.prioritize_existing_ents_filter.v1"
	case comp.factory == "span_ruler":
		known := make([]string, 0, len(entsFilters))
		for name := range entsFilters {
			known = append(known, name)
		}
		slices.Sort(known)
		got, err := c.want(section+".ents_filter", "@misc", known...)
		if err != nil {
			return s, err
		}
		if got != "" {
			name = got
		}
	}
	s.filter = entsFilters[name]
	return s, nil
}

// attrName returns a phrase_matcher_attr as a string: it may be a number.
func attrName(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		if v != "" {
			return v, nil
		}
	case float64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("phrase_matcher_attr is %v, want the name of an attribute", v)
}

// optional reads a file that a pipeline may not have. ok is false then.
func (s source) optional(name string) (data []byte, ok bool, err error) {
	data, err = s(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	}
	return data, true, nil
}

// ruler reads a component that finds entities by rules.
func (l *loader) ruler(c component, s rulerSettings, p *Pipeline) (*ruler, error) {
	file, data, err := l.rules(c, &s)
	if err != nil {
		return nil, err
	}
	r := &ruler{name: c.name, place: c.place, sents: c.sents, resolve: resolveSpanRuler(s.overwrite, s.filter)}
	names := spanKey
	switch c.factory {
	case "entity_ruler":
		r.resolve = resolveEntityRuler(s.overwrite)
		names = s.entityKey
	case "future_entity_ruler":
		r.resolve = resolveSpanRuler(false, s.filter)
	}
	var rules []*matcher.Rule
	var lines []int
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		rule, err := matcher.ParseRule(line)
		if err == nil {
			err = check(rule.Phrase)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, n, err)
		}
		rules, lines = append(rules, rule), append(lines, n)
	}
	keys := r.addKeys(rules, names)
	lang := &matcher.Language{Tokenizer: p.tokenizer, Norms: l.norms}
	setLanguage(lang, l.lang)
	r.tokens = matcher.New(lang)
	if r.phrases, err = matcher.NewPhrases(lang, s.attr, r.ids); err != nil {
		return nil, &ruleError{fmt.Errorf("component %q: %w: save the pipeline with another attribute", c.name, err)}
	}
	for i, rule := range rules {
		if rule.Tokens == nil {
			continue
		}
		if err := r.tokens.Add(keys[i], rule.Tokens, s.validate); err != nil {
			return nil, &ruleError{fmt.Errorf("%s: line %d: %w: save the pipeline without this rule", file, lines[i], err)}
		}
	}
	isPhrase := func(r *matcher.Rule) bool { return r.Tokens == nil && r.Phrase != "" }
	if err := r.look(p.annotators, slices.ContainsFunc(rules, isPhrase)); err != nil {
		return nil, &ruleError{err}
	}
	if r.needs&ner.Sents != 0 && r.sents && p.parser == nil && p.senter == nil && p.sentencizer == nil {
		return nil, &ruleError{fmt.Errorf("component %q: its rules have SENT_START, and %w: save the pipeline without these rules", c.name, p.noSents)}
	}
	phrase := &matcher.Doc{}
	for i, rule := range rules {
		if rule.Tokens != nil {
			continue
		}
		if err = p.phrase(phrase, rule.Phrase, r); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, lines[i], err)
		}
		if err := r.phrases.Add(keys[i], phrase); err != nil {
			return nil, &ruleError{fmt.Errorf("%s: line %d: %w: save the pipeline without this rule", file, lines[i], err)}
		}
	}
	r.phrases.Finish()
	return r, r.tokens.Finish()
}

// ruleError is the error for rules that cannot be run. The pipeline may run without the
// ruler.
type ruleError struct{ err error }

func (e *ruleError) Error() string { return e.err.Error() }
func (e *ruleError) Unwrap() error { return e.err }

// norms returns the strings of the norms of the pipeline.
func (l *loader) norms() (map[uint64]string, error) {
	rules, lookups, err := l.tokenizerFiles()
	if err != nil {
		return nil, err
	}
	return tokenizer.NormStrings(rules, lookups)
}

// rules returns the file of a ruler's rules and its name. It reads the settings of an
// entity_ruler that has a file with them.
func (l *loader) rules(c component, s *rulerSettings) (file string, data []byte, err error) {
	if c.factory != "entity_ruler" {
		data, err = l.src.patterns(c.name + "/patterns")
		return c.name + "/patterns", data, err
	}
	// Older versions of spaCy wrote a single file. If there is one, spaCy reads only it.
	old := strings.TrimSuffix(c.name, path.Ext(c.name)) + ".jsonl"
	if data, ok, err := l.src.optional(old); ok || err != nil {
		return old, data, err
	}
	raw, err := l.src.read(c.name + "/cfg")
	if err != nil {
		return "", nil, err
	}
	cfg := struct {
		Overwrite bool
		IDSep     *string `json:"ent_id_sep"`
		Attr      any     `json:"phrase_matcher_attr"`
	}{}
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return "", nil, fmt.Errorf("%s/cfg: %w", c.name, err)
	}
	s.overwrite, s.idSep = cfg.Overwrite, "||"
	if cfg.IDSep != nil {
		s.idSep = *cfg.IDSep
	}
	if s.attr, err = attrName(cfg.Attr); err != nil {
		return "", nil, fmt.Errorf("%s/cfg: %w", c.name, err)
	}
	file = c.name + "/patterns.jsonl"
	data, err = l.src.patterns(file)
	return file, data, err
}

// patterns reads a file of rules. It may be empty.
func (s source) patterns(name string) ([]byte, error) {
	data, ok, err := s.optional(name)
	if err == nil && !ok {
		err = fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
	}
	return data, err
}

// entityKey returns the name of a rule's key in an EntityRuler, and whether the rule gives
// the key its id. Rules with the same name have the same label and id. A rule with a text
// and an empty id has none.
func (s *rulerSettings) entityKey(r *matcher.Rule) (name string, hasID bool) {
	if !r.HasID || r.Tokens == nil && r.ID == "" {
		return r.Label, false
	}
	return r.Label + s.idSep + r.ID, true
}

// spanKey is entityKey for a SpanRuler.
func spanKey(r *matcher.Rule) (name string, hasID bool) { return r.Label + "\x00" + r.ID, true }

// addKeys sets the keys of a ruler, and returns the key of each rule.
func (r *ruler) addKeys(rules []*matcher.Rule, nameOf func(*matcher.Rule) (string, bool)) []int32 {
	keys := make([]int32, len(rules))
	byName := map[string]int32{}
	for _, phrases := range []bool{false, true} { // spaCy adds the rules with a text last
		for i, rule := range rules {
			if (rule.Tokens == nil) != phrases {
				continue
			}
			name, hasID := nameOf(rule)
			key, ok := byName[name]
			if !ok {
				key = int32(len(r.keys))
				byName[name] = key
				r.keys = append(r.keys, ruleKey{label: name})
				r.ids = append(r.ids, tokenizer.StringID(name))
			}
			if hasID {
				r.keys[key] = ruleKey{rule.Label, rule.ID}
			}
			keys[i] = key
		}
	}
	return keys
}

// labels returns the labels that the rules give, in alphabetical order.
func (r *ruler) labels() []string {
	var labels []string
	for _, k := range r.keys {
		if k.label != "" {
			labels = append(labels, k.label)
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}
