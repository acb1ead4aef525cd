package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// DefaultFile is read if --config is not given and it exists in the folder the
// server is started in.
const DefaultFile = "narwhal.toml"

// maxFile bounds a configuration file, bytes. One with every setting has 3 KB.
const maxFile = 1 << 20

// file is what a configuration file says, by the name of the setting.
type file struct {
	name   string // as the user calls it, for messages
	values map[string]fileValue
}

type fileValue struct {
	texts []string
	line  int
}

// readFile reads the file and reports everything wrong with it. A file that
// does not exist is an error only if it was asked for.
func readFile(name, path string, asked bool) (*file, []error) {
	if path == os.DevNull { // the same as none
		return &file{name: name}, nil
	}
	text, err := regular.Read(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil, nil
	}
	if kind := (*regular.Error)(nil); errors.As(err, &kind) {
		hint := "write the settings into a file; HUP reads it again"
		if isFolder(path) {
			hint = "add the name of the file"
		}
		return nil, []error{&Problem{Where: name, Why: "cannot read the configuration file: it is " + kind.Kind + ", not a regular file", Hint: hint}}
	}
	if err != nil {
		return nil, []error{unreadable(name, path, err)}
	}
	return parseFile(name, string(text))
}

// unreadable says why the configuration file could not be read, and what to do.
func unreadable(name, path string, err error) *Problem {
	p := &Problem{Where: name}
	why := err.Error()
	// The path is in Where already, as the user wrote it.
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		why = pathError.Err.Error()
	}
	switch {
	case errors.Is(err, regular.ErrTooLarge):
		why = fmt.Sprintf("it is larger than %s", FormatSize(maxFile))
		p.Hint = "name a file of settings; one with all of them has 3 KB"
	case errors.Is(err, fs.ErrNotExist):
		p.Hint = "check the path: narwhal looked for " + path
	case errors.Is(err, fs.ErrPermission):
		p.Hint = fmt.Sprintf("give the user that narwhal runs as (uid %d) permission to read the file and to enter its folders", os.Geteuid())
	default:
		p.Hint = "name a text file of settings that can be read"
	}
	p.Why = "cannot read the configuration file: " + why
	return p
}

func parseFile(name, text string) (*file, []error) {
	var keys map[string]toml.Primitive
	meta, err := toml.Decode(text, &keys)
	if err != nil {
		return nil, []error{syntaxProblem(name, text, err)}
	}
	f := &file{name: name, values: map[string]fileValue{}}
	var problems []error
	for _, key := range topKeys(&meta) {
		if err := f.add(&meta, key, keys[key]); err != nil {
			problems = append(problems, err)
		}
	}
	return f, problems
}

// topKeys lists the keys in the order of the file, each once. What is inside a
// table counts as the table, which is a problem of its own.
func topKeys(meta *toml.MetaData) []string {
	var top []string
	for _, key := range meta.Keys() {
		if !slices.Contains(top, key[0]) {
			top = append(top, key[0])
		}
	}
	return top
}

// add takes one key of the file.
func (f *file) add(meta *toml.MetaData, key string, primitive toml.Primitive) error {
	var value any
	line := lineOf(meta, primitive)
	problem := func(why, hint string) *Problem {
		return &Problem{Where: fmt.Sprintf("%s:%d: %s", f.name, line, key), Why: why, Hint: hint}
	}
	if err := meta.PrimitiveDecode(primitive, &value); err != nil {
		return problem(err.Error(), "")
	}
	setting, ok := lookupKey(key)
	switch {
	case !ok:
		switch value.(type) {
		case map[string]any, []map[string]any:
			return problem("unknown table", "there are no tables: write the keys without a [heading] or a dot")
		}
		return problem("unknown setting", suggest(strings.ReplaceAll(strings.ToLower(key), "_", "-"), Setting.Key))
	case setting.FlagOnly:
		return problem("this cannot be set in the file", "give "+setting.Flag()+" on the command line")
	}
	if earlier, twice := f.values[setting.Name]; twice {
		return problem(fmt.Sprintf("already set on line %d, in the other spelling", earlier.line), "keep one of the two")
	}
	texts, err := setting.texts(value)
	if err != nil {
		return problem(err.Error(), "")
	}
	f.values[setting.Name] = fileValue{texts: texts, line: line}
	return nil
}

// lookupKey finds the setting of a key, which is its name with either dashes or
// underscores; the aliases are for the command line.
func lookupKey(key string) (Setting, bool) {
	name := strings.ReplaceAll(key, "_", "-")
	for _, s := range Table() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

func syntaxProblem(name, text string, err error) *Problem {
	p := &Problem{Where: name, Why: err.Error()}
	if syntax := (toml.ParseError{}); errors.As(err, &syntax) {
		// Not Position.Line, which is one too low at the end of the file; the
		// offset in turn is -1 at the beginning.
		start := min(max(0, syntax.Position.Start), len(text))
		line := 1 + strings.Count(text[:start], "\n")
		p.Where = fmt.Sprintf("%s:%d", name, line)
		p.Why = "not TOML: " + syntax.Message
	}
	switch filepath.Ext(name) {
	case ".py":
		p.Hint = "a Gunicorn file is a Python program and cannot be read; write its settings as workers = 4"
	case "":
	default:
		p.Hint = "a line is key = value, with strings in quotes: worker_class = \"sync\""
	}
	return p
}

// lineOf returns the line of a key. The library keeps it to itself except in
// the errors of a value that decodes itself, so a value is asked to fail. A
// table that is only implied, as a by a.b = 1, has no line; its first key has.
func lineOf(meta *toml.MetaData, primitive toml.Primitive) int {
	var position toml.ParseError
	if err := meta.PrimitiveDecode(primitive, failing{}); errors.As(err, &position) && position.Position.Line > 0 {
		return position.Position.Line
	}
	var inside map[string]toml.Primitive
	if err := meta.PrimitiveDecode(primitive, &inside); err != nil {
		return 0
	}
	first := 0
	for _, p := range inside {
		if line := lineOf(meta, p); first == 0 || line < first {
			first = line
		}
	}
	return first
}

// failing is a value that no TOML can be decoded into.
type failing struct{}

func (failing) UnmarshalTOML(any) error { return errors.New("asked to fail") }
