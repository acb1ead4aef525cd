package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
)

// helpCommand returns the command that prints the overview, or the help on a setting,
// a command or a signal.
func helpCommand(app *cli.App) *cli.Command {
	return &cli.Command{
		Name:            "help",
		Aliases:         []string{"h"},
		Usage:           "explain a setting, a command or a signal",
		ArgsUsage:       "[WORD]",
		SkipFlagParsing: true, // in "help -w", -w is the word to explain
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 || words[0] == "--help" || words[0] == "-h" || words[0] == "help" {
				_, err := io.WriteString(app.Writer, app.CustomAppHelpTemplate)
				return err
			}
			if isCommand(app.Commands, words) { // a command prints its own help
				if err := app.RunContext(c.Context, slices.Concat([]string{app.Name}, words, []string{"--help"})); err != nil {
					return err
				}
				if _, ok := config.Lookup("--" + words[0]); ok && len(words) == 1 {
					fmt.Fprintf(app.Writer, "\nThere is a setting of that name, too: narwhal help --%s\n", words[0])
				}
				return nil
			}
			if len(words) > 1 {
				return &usageError{what: "help explains one word at a time", hint: "narwhal help " + words[0]}
			}
			return explain(app, words[0])
		},
	}
}

// isCommand reports whether words name a command or a subcommand.
func isCommand(commands []*cli.Command, words []string) bool {
	for _, c := range commands {
		if c.HasName(words[0]) {
			return len(words) == 1 || isCommand(c.Subcommands, words[1:])
		}
	}
	return false
}

// explain prints the help on a setting, a signal or a variable. For any other word it returns a
// usageError. A setting that has the name of a command is found by its name with
// dashes: --model.
func explain(app *cli.App, word string) error {
	if setting, ok := config.Lookup(word); ok {
		_, err := io.WriteString(app.Writer, setting.Text())
		return err
	}
	if s, ok := lookupSignal(word); ok {
		_, err := fmt.Fprintf(app.Writer, "%s\n    %s\n\n%s\n", s.name, s.effect, config.Wrap(s.help, 0, columns))
		return err
	}
	for _, v := range manualVariables {
		if v.name == word {
			_, err := fmt.Fprintf(app.Writer, "%s\n\n%s\n", v.name, config.Wrap(v.help, 0, columns))
			return err
		}
	}
	e := &usageError{what: fmt.Sprintf("there is no help on %q", word)}
	if e.hint = config.OtherHint(word); e.hint == "" {
		e.hint = commandHint(word, app.Commands)
	}
	if e.hint == "" {
		e.hint = config.FlagHint(strings.TrimLeft(word, "-"))
	}
	if e.hint == "" {
		e.hint = "narwhal --help lists settings, commands and signals"
	}
	return e
}

// commandHint returns a hint that names the command that a misspelt word resembles,
// or "".
func commandHint(word string, commands []*cli.Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	if near, ok := config.Nearest(word, names); ok {
		return fmt.Sprintf("did you mean narwhal %s?", near)
	}
	return ""
}

// masterSignal is a signal that an operator can send to the master.
type masterSignal struct {
	name   string
	effect string // one line
	help   string
}

var masterSignals = []masterSignal{
	{"TERM", "stop gracefully", "The service stops gracefully. /readyz fails at once. After --drain-delay the requests that wait or run are answered, and narwhal exits with 0 within --graceful-timeout. A second TERM or INT ends it at once."},
	{"INT, QUIT", "stop quickly", "The service stops quickly. Requests that are not answered within about a second are dropped. A second signal ends it at once."},
	{"HUP", "read the configuration, replace the workers", "The configuration file is read again, with the flags and variables that narwhal was started with. Slot by slot, a worker with the new settings is started. When it is ready, the old worker leaves. So no request fails. If the file is wrong, the model is missing or a worker does not start, the reason is logged, and the old workers go on as before."},
	{"TTIN", "one worker more", "One worker is added. The next HUP sets the number to the configured one."},
	{"TTOU", "one worker less", "One worker leaves gracefully. The last worker stays. The next HUP sets the number to the configured one."},
	{"USR2", "upgrade the program", "The program on disk is started as a new master. It has the flags, variables and folder that narwhal was started with, and inherits the sockets. When all its workers are ready, the new master takes over the pid file. The old master answers its requests and exits with 0. If the program is missing, is not a narwhal, or its workers do not start within --boot-timeout, the reason is logged, and the old master goes on as before. Meanwhile HUP and another USR2 are refused, and TERM stops both masters."},
	{"USR1", "open log files again", "All processes open the files of --error-logfile and --access-logfile again. Send it after logrotate has renamed them."},
}

// lookupSignal finds a signal by its name, with or without SIG.
func lookupSignal(word string) (masterSignal, bool) {
	name := strings.TrimPrefix(strings.ToUpper(word), "SIG")
	for _, s := range masterSignals {
		if slices.Contains(strings.Split(s.name, ", "), name) {
			return s, true
		}
	}
	return masterSignal{}, false
}
