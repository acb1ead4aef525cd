package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
)

// manualDate is the date at the foot of the manual page.
const manualDate = "2026-11-28"

// manualCommand returns the command that prints the manual page. It is not in the help:
// it is for people who package narwhal.
func manualCommand(app *cli.App) *cli.Command {
	return &cli.Command{
		Name:   "manual",
		Usage:  "print the manual page narwhal(1)",
		Hidden: true,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{what: "narwhal manual takes no argument"}
			}
			_, err := io.WriteString(app.Writer, manual(app))
			return err
		},
	}
}

// manual returns the manual page, made from the same tables as the help. It uses the man
// macros, which every man program understands.
func manual(app *cli.App) string {
	m := &roff{}
	m.line(`.\" Made by "narwhal manual" from the tables of settings and commands.`)
	m.line(".TH NARWHAL 1 " + manualDate + " narwhal \"User Commands\"")
	m.line(".nh\n.ad l") // no hyphenation: the name of a setting stays whole
	m.section("NAME")
	m.text("narwhal - " + app.Usage)
	m.section("SYNOPSIS")
	m.line(".nf")
	m.kept("narwhal [serve] [settings]")
	for _, c := range shownCommands(app.Commands) {
		m.kept(strings.TrimRight("narwhal "+c.Name+" "+c.ArgsUsage, " "))
	}
	m.line(".fi")
	m.section("DESCRIPTION")
	m.text("narwhal finds the named entities of texts that are sent to it over HTTP. One master process keeps several worker processes running, as Gunicorn does. Without a command it serves.")
	m.line(".PP")
	m.text("A setting is taken from its flag, else its environment variable, else the configuration file, else the default. Times are seconds (30, 0.5) or durations (1m30s).")

	m.section("SETTINGS")
	for _, group := range config.Groups() {
		m.line(".SS " + quoted(string(group)))
		for _, s := range config.Table() {
			if s.Group == group {
				m.setting(s)
			}
		}
	}
	m.section("COMMANDS")
	for _, c := range shownCommands(app.Commands) {
		m.command("narwhal", c)
	}
	m.section("SIGNALS")
	m.text("To the master:")
	for _, s := range masterSignals {
		m.tagged(s.name)
		m.text(s.help)
	}
	m.section("ENVIRONMENT")
	m.text("Each setting has a variable, which SETTINGS names. These are others:")
	for _, v := range manualVariables {
		m.tagged(v.name)
		m.text(v.help)
	}
	m.section("FILES")
	for _, f := range manualFiles {
		m.tagged(f.name)
		m.text(f.help)
	}
	m.section("EXIT STATUS")
	m.text("0 after a graceful stop, or if a command did what it was asked for, 2 if the command line is wrong, 3 if no worker could start, 1 for anything else.")
	m.section("EXAMPLES")
	m.line(".nf")
	m.kept(examples)
	m.line(".fi")
	m.section("SEE ALSO")
	m.line(".BR curl (1),\n.BR systemd.service (5)")
	return m.String()
}

// named is a word and its meaning.
type named struct{ name, help string }

var manualVariables = []named{
	{"WEB_CONCURRENCY", "The number of workers, if neither --workers nor NARWHAL_WORKERS is set."},
	{"NARWHAL_SIMD", "The processor instructions that the engine uses: avx512, avx2 or generic. By default the best that the processor has."},
	{"NARWHAL_MODEL_MIRROR", "The same as --mirror of narwhal model pull."},
	{"HTTPS_PROXY", "The proxy over which narwhal model pull reaches github.com."},
	{"XDG_DATA_HOME", "Where models are installed: in narwhal/models below it. It is ~/.local/share by default."},
	{"NO_COLOR", "narwhal ner marks entities without colours."},
}

var manualFiles = []named{
	{"./narwhal.toml", "The configuration file, unless --config names another."},
	{"./models, ~/.local/share/narwhal/models, /usr/share/narwhal/models", "Where pipelines are looked for by name, in this order."},
	{"/run/narwhal, $XDG_RUNTIME_DIR/narwhal, /tmp/narwhal-UID", "The control socket, as --control-socket explains."},
}

// shownCommands returns the commands that help shows. serve is left out: it is what narwhal
// does without a command.
func shownCommands(all []*cli.Command) []*cli.Command {
	var shown []*cli.Command
	for _, c := range all {
		if c.Name != "serve" && !c.Hidden {
			shown = append(shown, c)
		}
	}
	return shown
}

// setting writes the section of a setting: its spellings, help, default and variable.
func (m *roff) setting(s config.Setting) {
	m.tagged(s.Spellings())
	m.layout(".IP", s.Help)
	if s.Switch {
		return
	}
	facts := "Default: " + s.Initial() + ". Variable: " + s.Variable() + "."
	if s.Key() != "" {
		facts += " In the file: " + s.Key() + "."
	}
	m.line(".IP")
	m.text(facts)
}

// command writes the section of a command and of its subcommands. prefix is what is typed
// before its name.
func (m *roff) command(prefix string, c *cli.Command) {
	name := prefix + " " + c.Name
	m.line(".SS " + quoted(strings.TrimRight(name+" "+c.ArgsUsage, " ")))
	m.text(sentence(c.Usage))
	if c.Description != "" {
		m.line(".PP")
		m.layout(".PP", c.Description)
	}
	for _, f := range c.Flags {
		if isHelp(f) {
			continue
		}
		spellings, usage, _ := strings.Cut(f.String(), "\t")
		m.tagged(spellings)
		m.text(sentence(usage))
	}
	for _, sub := range shownCommands(c.Subcommands) {
		m.command(name, sub)
	}
}

func isHelp(f cli.Flag) bool { return f.Names()[0] == "help" }

// sentence returns text with a capital first letter and a full stop at its end.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
