package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// gunicornFile is the configuration file that Gunicorn reads without being told.
const gunicornFile = "gunicorn.conf.py"

func isPython(name string) bool { return filepath.Ext(name) == ".py" }

// pythonProblems returns the problems of Gunicorn's configuration file: that narwhal does
// not run it, and for each line that sets something, what to write into narwhal.toml.
func pythonProblems(name, text string) []error {
	problems := []error{&Problem{
		Where: name,
		Why:   "this is a Python program, which narwhal does not run",
		Hint:  "write its settings into " + DefaultFile + ", which is read without --config; for each of its lines narwhal says how",
	}}
	for i, line := range strings.Split(text, "\n") {
		m := pythonLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if hint := pythonHint(m[1]+m[2], m[3]); hint != "" {
			problems = append(problems, &Problem{Where: fmt.Sprintf("%s:%d", name, i+1), Why: strings.TrimSpace(line), Hint: hint})
		}
	}
	return problems
}

// pythonLine matches a function (a hook), and a variable with its value.
var pythonLine = regexp.MustCompile(`^(?:(?:async )?def (\w+)\(|(\w+)\s*=\s*([^=\s].*))`)

// pythonHint says what to write in place of key = value in Gunicorn's file. It returns ""
// if Gunicorn has no such setting: the program may have variables of its own.
func pythonHint(key, value string) string {
	name := strings.ReplaceAll(key, "_", "-")
	s, same := Lookup(name)
	if o, ok := findOther(name); ok && o.ofGunicorn(name) {
		if o.Ours == "" || o.Instead != "" {
			return elsewhere(name, Setting.Key)
		}
		s, _ = Lookup(o.Ours)
	} else if !same || s.Gunicorn == "" || len(name) == 1 {
		return ""
	}
	if s.FlagOnly {
		return "leave it out, or give " + s.Flag() + " on the command line"
	}
	value, known := tomlValue(value)
	switch {
	case value == "None":
		return "leave it out"
	case !known && s.Auto:
		return fmt.Sprintf("write %s = %s, with the value that this line computes, or %[1]s = \"auto\"", s.Key(), s.Placeholder)
	case !known:
		return fmt.Sprintf("write %s = %s, with the value that this line computes", s.Key(), s.Placeholder)
	}
	line := s.Key() + " = " + value
	f, problems := parseFile("", line)
	if len(problems) == 0 {
		if err := s.assign(new(Settings), f.values[s.Name].texts); err != nil {
			problems = append(problems, &Problem{Why: err.Error()})
		}
	}
	if len(problems) == 0 {
		return "write " + line
	}
	hint := "write another value for " + s.Key() + ": " + problems[0].(*Problem).Why
	if s.hint != "" {
		hint += "; " + s.hint
	}
	return hint
}

// tomlValue writes a literal of Python in TOML: a number, a boolean, a string, or a list of
// strings. It returns None as it is. known is false if the value must be computed.
func tomlValue(python string) (toml string, known bool) {
	python = strings.TrimSpace(python)
	switch m := pythonLiteral.FindStringSubmatch(python); {
	case m == nil:
		return "", false
	case m[1] != "": // a number, or None
		return m[1], true
	case m[2] != "":
		return strings.ToLower(m[2]), true
	case m[3] != "":
		return tomlString(m[3]), true
	default:
		var items []string
		for _, item := range pythonString.FindAllString(m[4], -1) {
			items = append(items, tomlString(item))
		}
		return "[" + strings.Join(items, ", ") + "]", true
	}
}

// tomlString writes a string in TOML. python is the string with its quotes.
func tomlString(python string) string { return strconv.Quote(python[1 : len(python)-1]) }

const onePythonString = `'[^'\\]*'|"[^"\\]*"`

var (
	pythonString  = regexp.MustCompile(onePythonString)
	pythonLiteral = regexp.MustCompile(`^(?:(-?\d[\d_]*(?:\.\d+)?|None)|(True|False)|(` + onePythonString + `)|` +
		`([\[(]\s*(?:(?:` + onePythonString + `)\s*,?\s*)+[\])]))\s*(?:#.*)?$`)
)
