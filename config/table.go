package config

import (
	"slices"
	"strings"
)

// Setting describes one setting. It does not have the setting's value.
type Setting struct {
	Name        string   // of the flag, without dashes; the other spellings follow from it
	Short       string   // one letter, "" for none
	Aliases     []string // further long flags
	Group       Group
	Placeholder string   // printed for the value in help: N, TIME, PATH
	Default     string   // the value if nobody sets one, as a user would write it
	Unset       string   // what help prints instead of Default; "": it prints Default
	Choices     []string // the only values allowed; nil for any
	Usage       string   // one line
	Help        string   // paragraphs: unit, meaning, limits

	Gunicorn string // Gunicorn's flag for it, "" if it has none
	Uvicorn  string // Uvicorn's flag, "" if it has none
	Differs  string // how the setting differs from theirs

	// Auto marks a count or a size that may also be the word auto.
	Auto bool
	// FlagOnly marks a setting that cannot be a key of the file: it says which file to
	// read, or what to do with the settings.
	FlagOnly bool
	// Switch marks a flag without a value. It has no variable and no field of Settings.
	Switch bool

	min   int                         // the least value of a count or a size
	max   int                         // the greatest value of a count, 0 for none
	words map[string]string           // words that are accepted instead of a choice, such as warning for warn
	means func(string) (string, bool) // returns the choice for any other word; the server prints what it replaced
	hint  string                      // printed with the error for a value that is refused
	field func(*Settings) any         // the field that holds the value
}

// Group is a heading in the help and in docs/settings.md.
type Group string

// The groups, in the order they are shown.
const (
	Listening Group = "Listening"
	Front     Group = "Clients and proxies"
	Workers   Group = "Workers"
	Limits    Group = "Limits"
	Times     Group = "Times"
	Model     Group = "Model"
	Logs      Group = "Logs"
	Process   Group = "Process and configuration"
)

// Groups lists the groups in the order they are shown.
func Groups() []Group {
	return []Group{Listening, Front, Workers, Limits, Times, Model, Logs, Process}
}

// Table returns every setting, group by group, in the order they are shown.
func Table() []Setting {
	return slices.Concat(listening(), front(), workers(), bounds(), times(), model(), logs(), process())
}

// Lookup finds a setting by any of its spellings: worker-connections,
// --worker-connections, worker_connections, NARWHAL_WORKER_CONNECTIONS, -w, w.
func Lookup(spelling string) (Setting, bool) {
	name := strings.TrimLeft(spelling, "-")
	if len(name) > 1 { // -W is not -w
		name = strings.TrimPrefix(name, prefix)
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	}
	for _, s := range Table() {
		if slices.Contains(s.names(), name) {
			return s, true
		}
	}
	return Setting{}, false
}

// prefix is the beginning of the names of narwhal's variables.
const prefix = "NARWHAL_"

// Flag returns the setting's long flag with its dashes.
func (s Setting) Flag() string { return "--" + s.Name }

// Key returns the setting's key in narwhal.toml, "" if it has none.
func (s Setting) Key() string {
	if s.FlagOnly {
		return ""
	}
	return strings.ReplaceAll(s.Name, "-", "_")
}

// Variable returns the setting's environment variable, "" if it has none.
func (s Setting) Variable() string {
	if s.Switch {
		return ""
	}
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Initial returns what people are told about the default: Unset, or Default if Unset
// is empty.
func (s Setting) Initial() string {
	if s.Unset != "" {
		return s.Unset
	}
	return s.Default
}

// names returns all spellings of the flag, without dashes: worker-class and k.
func (s Setting) names() []string {
	names := append([]string{s.Name}, s.Aliases...)
	if s.Short != "" {
		names = append(names, s.Short)
	}
	return names
}
