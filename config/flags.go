package config

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// Flags returns the flags of all settings. A flag adds its values to given, by the name of
// the setting, and does not check them: Load does. So a wrong value gives the same error
// from a flag, a variable and the file. A switch is a plain cli.BoolFlag and does not use
// given.
//
// Several commands in one command line may have these flags and share given. Their
// values are collected in the order of the line.
func Flags(given Given) []cli.Flag {
	var flags []cli.Flag
	for _, s := range Table() {
		// Each spelling is a flag of its own: urfave/cli refuses two spellings of one
		// flag in a line, but "-b A --bind B" is no mistake.
		for i, name := range s.names() {
			flags = append(flags, s.flag(name, given, i > 0))
		}
	}
	return flags
}

// flag returns one spelling of a setting as a flag. A hidden one is not in the help.
func (s Setting) flag(name string, given Given, hidden bool) cli.Flag {
	if s.Switch {
		return &cli.BoolFlag{Name: name, Usage: s.Usage, Category: string(s.Group), Hidden: hidden}
	}
	return &cli.GenericFlag{
		Name:     name,
		Usage:    s.Usage,
		Category: string(s.Group),
		Hidden:   hidden,
		Value:    &collector{name: s.Name, given: given},
	}
}

// collector is the value of a flag. It only adds what was typed to given.
type collector struct {
	name  string
	given Given
}

func (c *collector) Set(text string) error {
	c.given[c.name] = append(c.given[c.name], text)
	return nil
}

func (c *collector) String() string { return "" }

// FlagHint returns what to do about a flag that does not exist, or "" if there is no
// good guess. flag is its name without dashes.
func FlagHint(flag string) string {
	if len(flag) > 1 && strings.Trim(flag[1:], ":.0123456789") == "" {
		if s, ok := Lookup(flag[:1]); ok { // --w4 was typed, and -w4 or -w 4 is right
			return "write -" + s.Short + " " + flag[1:]
		}
	}
	return suggest(flag, Setting.Flag)
}
