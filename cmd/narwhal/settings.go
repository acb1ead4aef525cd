package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/cgroup"
	"github.com/narwhal-server/narwhal/supervisor"
)

// serving is what the program does without a command: it reads the settings and serves,
// or only checks or prints them.
type serving struct {
	source         config.Source
	stdout, stderr io.Writer

	serve     func(context.Context, *config.Settings, io.Writer) error
	loadModel func(*config.Settings, io.Writer) (describe string, err error)

	serves bool // set when the command line asks to serve
}

// chooseLog sets up the log of a server whose settings are wrong. The log is JSON if
// flags and variables ask for that and are valid. Otherwise there is no log, and the
// error is reported as by a command. The new master of an upgrade has the old master's
// log.
func (s *serving) chooseLog() {
	if supervisor.Upgraded() { // standard error is the log of the old master
		earlyLog()
		return
	}
	src := config.Source{Given: config.Given{"config": {""}}, Dir: s.source.Dir}
	for _, name := range []string{"log-format", "log-level"} {
		if v := s.source.Given[name]; v != nil {
			src.Given[name] = v
		}
	}
	for _, v := range s.source.Environ {
		if strings.HasPrefix(v, "NARWHAL_LOG_") {
			src.Environ = append(src.Environ, v)
		}
	}
	if chosen, err := config.Load(src); err == nil && chosen.LogFormat == "json" {
		setLogger(chosen.LogFormat, chosen.LogLevel)
	}
}

// before checks what comes in front of a command's name. It refuses an argument after
// --version, and a setting in front of any command but serve and help.
func (s *serving) before(c *cli.Context) error {
	if c.Bool("version") {
		if c.Args().Present() {
			return &usageError{what: "--version takes no argument"}
		}
		return nil
	}
	command := c.App.Command(c.Args().First())
	if command == nil || command.Name == "serve" || command.Name == "help" {
		return nil
	}
	for _, setting := range config.Table() {
		if len(s.source.Given[setting.Name]) > 0 || setting.Switch && c.Bool(setting.Name) {
			return &usageError{
				what: fmt.Sprintf("%s is a setting of the server, and %s is another command", setting.Flag(), command.Name),
				hint: fmt.Sprintf("narwhal %s --help lists the flags of %[1]s, which come after its name", command.Name),
			}
		}
	}
	return nil
}

// action serves, or does what --version, --check-config or --print-config ask for.
func (s *serving) action(c *cli.Context) error {
	if c.Bool("version") {
		_, err := io.WriteString(s.stdout, versionText())
		return err
	}
	if c.Args().Present() {
		return strayArgument(c)
	}
	settings, err := config.Load(s.source)
	checkOnly, printOnly := given(c, "check-config"), given(c, "print-config")
	s.serves = !checkOnly && !printOnly
	if err != nil {
		return err
	}
	if s.serves {
		return s.serve(c.Context, settings, s.stdout)
	}
	for _, w := range settings.Warnings() {
		fmt.Fprintf(s.stderr, "narwhal: warning: %s\n", w)
	}
	if printOnly {
		if err := settings.Print(s.stdout); err != nil {
			return err
		}
	}
	model, err := s.loadModel(settings, s.stderr)
	if err != nil {
		return err
	}
	if !printOnly {
		given, _ := cgroup.Read() // the server warns
		if warning, _ := fit(settings, given); warning != "" {
			fmt.Fprintf(s.stderr, "narwhal: warning: %s\n", warning)
		}
		_, err = io.WriteString(s.stdout, summary(settings, model))
	}
	return err
}

// loadModel opens the models as a worker does, and describes them.
func loadModel(s *config.Settings, stderr io.Writer) (describe string, err error) {
	if s.Chdir != "" { // ./models is one of the places for models
		if err := os.Chdir(s.Chdir); err != nil {
			return "", fmt.Errorf("--chdir: %w", err)
		}
	}
	warnOfProse(stderr, s.Model...)
	_, describe, err = openModels(s.Model, s.Exclude)
	return describe, err
}

// given reports whether a switch was given before or after the word serve. c.Bool looks
// only at the nearer of the two flag sets, so given asks for both.
func given(c *cli.Context, name string) bool {
	for _, c := range c.Lineage() {
		if c.Bool(name) {
			return true
		}
	}
	return false
}

// summary returns what --check-config prints if the settings are valid.
func summary(s *config.Settings, model string) string {
	file := s.ConfigFile
	if file == "" {
		file = "no configuration file"
	}
	text := fmt.Sprintf("configuration OK: %s\n  bind     %s\n  workers  %d (%s)\n  model    %s\n",
		file, strings.Join(s.Bind, ", "), s.Workers, s.WorkerClass, model)
	for _, n := range s.Notes() {
		text += "  note     " + n + "\n"
	}
	return text
}
