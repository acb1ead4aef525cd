package config

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// Flags makes the command line's flags out of the table. What the user gives is
// collected in given, unread: Load reads it, so that a bad value is the same
// kind of error whether it comes from a flag, a variable or the file.
//
// Commands may have the flags at the same time and share given; their values
// add up in the order of the line.
func Flags(given Given) []cli.Flag {
	var flags []cli.Flag
	for _, s := range Table() {
		// A spelling is a flag of its own, for urfave/cli refuses two spellings
		// of one flag in a line, and "-b A --bind B" is no mistake.
		for i, name := range s.names() {
			flags = append(flags, s.flag(name, given, i > 0))
		}
	}
	return flags
}

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

// collector is a flag's value that only remembers what it was given.
type collector struct {
	name  string
	given Given
}

func (c *collector) Set(text string) error {
	c.given[c.name] = append(c.given[c.name], text)
	return nil
}

func (c *collector) String() string { return "" }

// FlagHint says what to do about a flag that does not exist; flag is written
// without dashes.
func FlagHint(flag string) string {
	if len(flag) > 1 && strings.Trim(flag[1:], ":.0123456789") == "" {
		if s, ok := Lookup(flag[:1]); ok { // --w4; -w4 is taken
			return "write -" + s.Short + " " + flag[1:]
		}
	}
	return suggest(flag, Setting.Flag)
}
