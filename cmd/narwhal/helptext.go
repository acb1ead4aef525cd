package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
)

// columns is the width of the help. It is one less than a terminal's 80, because some
// terminals wrap a full line.
const columns = 79

// overview is the text of "narwhal --help". Each %s stands for a list that is made from
// a table.
const overview = `narwhal finds the named entities of texts sent over HTTP. One master process
keeps several worker processes running, as Gunicorn does.

Usage:
  narwhal [serve] [settings]
%s
Examples:
%s
Settings, with the default and the environment variable:

%sA setting is taken from its flag, else its variable, else the configuration
file (worker_connections = 1000), else the default. Times are seconds (30, 0.5)
or durations (1m30s). narwhal help SETTING says more about each.

Signals to the master:
%s
Exit status: 0 after a graceful stop, 2 if the command line is wrong, 3 if no
worker could start, 1 for anything else.
`

const examples = `  narwhal
  narwhal -w 2 --worker-connections 1000 --bind 127.0.0.1:5000
  narwhal -w 4 -k concurrent -b unix:/tmp/narwhal.sock -b 127.0.0.1:5000
  narwhal -c narwhal.toml --check-config

  curl 127.0.0.1:8000 -H 'Content-Type: application/json' \
       -d '{"text":"Angela Merkel was born in Hamburg."}'
`

func helpText(commands []*cli.Command) string {
	var usage, settings, effects strings.Builder
	for _, c := range commands {
		if c.Name != "serve" && !c.Hidden {
			usage.WriteString(entry("  narwhal "+c.Name+" "+c.ArgsUsage, c.Usage))
		}
	}
	for _, group := range config.Groups() {
		fmt.Fprintf(&settings, "%s\n", group)
		for _, s := range config.Table() {
			if s.Group == group {
				settings.WriteString(settingEntry(s))
			}
		}
		settings.WriteString("\n")
	}
	for _, s := range masterSignals {
		effects.WriteString(entry("  "+s.name, s.effect))
	}
	return fmt.Sprintf(overview, &usage, examples, &settings, &effects)
}

func settingEntry(s config.Setting) string {
	name := "      " + s.Flag()
	if s.Short != "" {
		name = "  -" + s.Short + ", " + s.Flag()
	}
	if s.Switch {
		return entry(name, s.Usage)
	}
	return entry(name+" "+s.Placeholder, s.Usage) +
		entry("", "["+s.Initial()+"; "+s.Variable()+"]")
}

// entry sets a name and its meaning in two columns. A long name has a line of its own.
func entry(name, meaning string) string {
	const left = 31
	text := config.Wrap(meaning, left, columns)
	if n := utf8.RuneCountInString(name); n < left {
		return name + text[n:] + "\n"
	}
	return name + "\n" + text + "\n"
}
