package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// DefaultFile is the configuration file that is read if no other is named. It is in the
// folder in which the server is started, and need not exist.
const DefaultFile = "narwhal.toml"

// maxFile is the largest configuration file, in bytes. One with every setting has 3 KB.
const maxFile = 1 << 20

// file has the values of a configuration file, by the name of the setting.
type file struct {
	name   string // as the user calls it, for messages
	values map[string]fileValue
}

type fileValue struct {
	texts []string
	line  int
}

// readFile reads a configuration file. It returns everything that is wrong with it. A
// file that does not exist is an error only if asked is set; otherwise the result is
// nil.
func readFile(name, path string, asked bool) (*file, []error) {
	if path == os.DevNull { // counts as an empty file
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
	f, problems := parseFile(name, string(text))
	if len(problems) > 0 && isPython(name) {
		problems = pythonProblems(name, string(text))
	}
	return f, problems
}

// unreadable returns the problem of a configuration file that could not be read: why,
// and what to do.
func unreadable(name, path string, err error) *Problem {
	p := &Problem{Where: name}
	why := err.Error()
	// The file's name is in Where already, as the user wrote it.
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		why = pathError.Err.Error()
	}
	switch {
	case errors.Is(err, regular.ErrTooLarge):
		why = fmt.Sprintf("it is larger than %s", FormatSize(maxFile))
		p.Hint = "name a file of settings; one with all of them has 3 KB"
	case strings.HasPrefix(name, "python:"), strings.HasPrefix(name, "file:"):
		p.Hint = "name a file of settings in TOML, such as " + DefaultFile + "; narwhal runs no Python and knows no prefix before the path"
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

// topKeys returns the top-level keys in the order of the file, each once. For keys in a
// table that is the table's own name, which add refuses.
func topKeys(meta *toml.MetaData) []string {
	var top []string
	for _, key := range meta.Keys() {
		if !slices.Contains(top, key[0]) {
			top = append(top, key[0])
		}
	}
	return top
}

// add stores the value of one key of the file, or returns what is wrong with the key.
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

// lookupKey finds the setting of a key. The key is the setting's name with dashes or
// underscores. Aliases are for the command line only.
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
		// Position.Line is one too low at the end of the file, so the line is counted
		// from Position.Start. That is -1 at the beginning of the file.
		start := min(max(0, syntax.Position.Start), len(text))
		line := 1 + strings.Count(text[:start], "\n")
		p.Where = fmt.Sprintf("%s:%d", name, line)
		p.Why = "not TOML: " + syntax.Message
		if m := definedTwice.FindStringSubmatch(syntax.Message); m != nil {
			if earlier := lineOfKey(text[:start], m[1]); earlier > 0 {
				return &Problem{Where: p.Where + ": " + m[1], Why: fmt.Sprintf("already set on line %d", earlier), Hint: "keep one of the two"}
			}
		}
	}
	if filepath.Ext(name) != "" {
		p.Hint = "a line is key = value, with strings in quotes: worker_class = \"sync\""
	}
	return p
}

// definedTwice matches the error of package toml for a key that the file has twice.
var definedTwice = regexp.MustCompile(`^Key '([^']+)' has already been defined`)

// lineOfKey returns the line of a top-level key in text, which ends somewhere in the line
// where the same key comes again. It returns 0 if there is no such key.
func lineOfKey(text, key string) int {
	var keys map[string]toml.Primitive
	meta, err := toml.Decode(text[:strings.LastIndexByte(text, '\n')+1], &keys)
	if err != nil || !meta.IsDefined(key) {
		return 0
	}
	return lineOf(&meta, keys[key])
}

// lineOf returns the line of a key, or 0 if it is not known. Package toml tells a line
// only in the error of a value that decodes itself, so lineOf decodes into a value that
// fails. A table that is only implied, as a is by a.b = 1, has no line. For such a table
// lineOf returns the line of its first key.
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

// failing is a value into which no TOML can be decoded.
type failing struct{}

func (failing) UnmarshalTOML(any) error { return errors.New("asked to fail") }
