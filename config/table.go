package config

import (
	"slices"
	"strings"
)

// Setting describes one setting: everything that is known about it except its
// value.
type Setting struct {
	Name        string   // of the flag, without dashes; the other spellings follow from it
	Short       string   // one letter, "" for none
	Aliases     []string // further long flags
	Group       Group
	Placeholder string   // what stands for a value in help: N, TIME, PATH
	Default     string   // as a user would write it
	Unset       string   // what the default amounts to, where the value itself does not say it
	Choices     []string // the only values allowed; nil for any
	Usage       string   // one line
	Help        string   // paragraphs: unit, meaning, limits

	Gunicorn string // Gunicorn's flag for it, "" if it has none
	Uvicorn  string // Uvicorn's
	Differs  string // what someone who knows theirs must know about ours

	// FlagOnly marks what makes no sense as a key of the file, since it says
	// which file or what to do with it.
	FlagOnly bool
	// Switch is a flag without a value. It has neither variable nor field.
	Switch bool

	min   int                         // the least value of a count or a size
	max   int                         // the greatest value of a count, 0 for none
	words map[string]string           // other words for some choices
	means func(string) (string, bool) // the same, where they are many; what was taken for what is said
	hint  string                      // for someone who gave what is no value of it
	field func(*Settings) any
}

// Group is a heading in the help and in the README.
type Group string

// The groups, in the order they are shown.
const (
	Listening Group = "Listening"
	Workers   Group = "Workers"
	Limits    Group = "Limits"
	Times     Group = "Times"
	Model     Group = "Model"
	Logs      Group = "Logs"
	Process   Group = "Process and configuration"
)

// Groups lists the groups in the order they are shown.
func Groups() []Group {
	return []Group{Listening, Workers, Limits, Times, Model, Logs, Process}
}

// Table returns every setting, group by group, in the order they are shown.
func Table() []Setting {
	return slices.Concat(listening(), workers(), bounds(), times(), model(), logs(), process())
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

// prefix begins the name of every variable that is narwhal's.
const prefix = "NARWHAL_"

// Flag is the setting as one writes it on the command line.
func (s Setting) Flag() string { return "--" + s.Name }

// Key is the setting's key in narwhal.toml, "" if it has none.
func (s Setting) Key() string {
	if s.FlagOnly {
		return ""
	}
	return strings.ReplaceAll(s.Name, "-", "_")
}

// Variable is the setting's environment variable, "" if it has none.
func (s Setting) Variable() string {
	if s.Switch {
		return ""
	}
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Initial says what holds if nothing is set, for people: the default, or what
// an empty one amounts to.
func (s Setting) Initial() string {
	if s.Unset != "" {
		return s.Unset
	}
	return s.Default
}

// names are all spellings on the command line, without dashes.
func (s Setting) names() []string {
	names := append([]string{s.Name}, s.Aliases...)
	if s.Short != "" {
		names = append(names, s.Short)
	}
	return names
}
