package spacy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// config is a pipeline's config.cfg: sections of key = value lines, with values in
// JSON. spaCy writes each value on one line. It reads the file with Python's
// configparser, which also accepts values that continue on indented lines, so
// parseConfig accepts them, too.
type config map[string]map[string]string

func parseConfig(data []byte) (config, error) {
	cfg := config{}
	var section map[string]string
	var key string // the last key, for continuation lines
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case section != nil && key != "" && (line[0] == ' ' || line[0] == '\t'):
			section[key] += " " + text
		case text[0] == '[' && strings.HasSuffix(text, "]"):
			name := text[1 : len(text)-1]
			if cfg[name] != nil {
				return nil, fmt.Errorf("line %d: section [%s] is there twice", i+1, name)
			}
			section, key = map[string]string{}, ""
			cfg[name] = section
		default:
			k, v, ok := strings.Cut(text, "=")
			if !ok || section == nil {
				return nil, fmt.Errorf("line %d: %q: want [section] or key = value", i+1, text)
			}
			key = strings.TrimSpace(k)
			section[key] = strings.TrimSpace(v)
		}
	}
	if cfg["nlp"] == nil {
		return nil, fmt.Errorf("no section [nlp]: not the config.cfg of a spaCy 3 pipeline")
	}
	return cfg, nil
}

// get decodes a value into v. It returns false if the value is missing or null, and
// an error if the value does not fit v. A value may also be part of a key of the
// parent section: [nlp] tokenizer = {"@tokenizers": …} is the same as
// [nlp.tokenizer] @tokenizers = ….
func (c config) get(section, key string, v any) (bool, error) {
	raw, ok := c[section][key]
	if !ok {
		parent, name := section, ""
		if i := strings.LastIndexByte(section, '.'); i > 0 {
			parent, name = section[:i], section[i+1:]
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(c[parent][name]), &fields) != nil || fields[key] == nil {
			return false, nil
		}
		raw = string(fields[key])
	}
	if raw == "null" {
		return false, nil
	}
	if err := json.Unmarshal([]byte(raw), v); err != nil {
		return false, fmt.Errorf("[%s] %s = %s: %w", section, key, raw, err)
	}
	return true, nil
}

// architecture checks which network a section has, and returns its name. It returns "" if
// the section has none.
func (c config) architecture(section string, known ...string) (string, error) {
	name, err := c.want(section, "@architectures", known...)
	if err != nil {
		err = fmt.Errorf("%w: train with one of these", err)
	}
	return name, err
}

// want returns a value that must be a known one. It returns "" if the value is
// missing, and an error if it is not one of known.
func (c config) want(section, key string, known ...string) (string, error) {
	var v string
	ok, err := c.get(section, key, &v)
	if err != nil {
		return "", err
	}
	if ok && !slices.Contains(known, v) {
		return "", fmt.Errorf("[%s] %s is %s: can run only %s", section, key, v, strings.Join(known, ", "))
	}
	return v, nil
}
