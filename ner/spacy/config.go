package spacy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// config is a pipeline's config.cfg: sections of key = value lines whose
// values are JSON. spaCy writes one value a line; Python's configparser, which
// reads it, also takes values continued on indented lines, so we do.
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

// get decodes a value into v and reports whether it is there and not null. A
// value may also stand inside its section's parent: [nlp] tokenizer =
// {"@tokenizers": …} is the same as [nlp.tokenizer] @tokenizers = ….
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

// want checks that a value, if it is there, is one of those we know.
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
