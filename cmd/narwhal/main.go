// Command narwhal serves a named-entity recognizer from several processes, as
// Gunicorn and Uvicorn serve Python programs. "narwhal --help" says how it is
// used. Only this package imports both sides, master and worker. Its files:
//
//	main.go                      chooses: a worker, the server, or a command
//	settings.go, serve.go        settings are read, checked, and become options of master and worker
//	machine.go                   auto becomes numbers, by what the process may use
//	recognizer.go, memory.go     the model, and how a worker's memory is collected
//	log.go, lines.go, greet.go   what a server says, from its first line to its last
//	errors.go, stray.go          what is printed when something is wrong, and the exit status
//	joined.go                    short flags with their value, as in -w4
//	help.go, helptext.go         narwhal --help and narwhal help SETTING
//	manual.go, roff.go           the manual page
//	completion.go                completion for shells
//	control.go, health.go        status, health, reload, upgrade, scale and stop ask a running master
//	model.go, ner.go, bench.go   the commands model, ner and bench
//	version.go                   narwhal version, or narwhal --version
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/worker"
)

func main() {
	// A worker is this same program. The master starts it with a descriptor for their
	// messages, and without a command line.
	if worker.Spawned() {
		status := exitOK
		if err := runWorker(); err != nil {
			if !errors.Is(err, worker.ErrFailed) { // the master reports ErrFailed
				lastWords(os.Stderr, err)
			}
			status = exitError
		}
		exit(status)
	}
	dir, err := os.Getwd()
	if err != nil {
		os.Exit(report(os.Stderr, &hinted{fmt.Errorf("find the working directory: %w", err), "start narwhal in a folder that exists and that its user may enter (cd /)"}))
	}
	exit(run(context.Background(), os.Args, os.Environ(), dir, os.Stdout, os.Stderr))
}

// run runs the command that args ask for, reports its errors, and returns the exit
// status.
func run(ctx context.Context, args, environ []string, dir string, stdout, stderr io.Writer) int {
	given := config.Given{}
	s := &serving{
		source:    config.Source{Given: given, Environ: environ, Dir: dir},
		stdout:    stdout,
		stderr:    stderr,
		serve:     serve,
		loadModel: loadModel,
	}
	err := runApp(ctx, s, args)
	if err != nil && s.serves && stderrLog == nil {
		s.chooseLog()
	}
	return lastWords(stderr, err)
}

// runApp runs the command that args ask for.
func runApp(ctx context.Context, s *serving, args []string) error {
	app := newApp(s, args)
	return app.RunContext(ctx, splitJoined(app, args))
}

// newApp returns the command line: all commands and flags. Without a command narwhal
// serves, so the settings are flags of the program and of serve.
func newApp(s *serving, args []string) *cli.App {
	app := &cli.App{
		Name:     "narwhal",
		HelpName: "narwhal",
		Usage:    "serve a named-entity recognizer from several processes",
		Flags: append(config.Flags(s.source.Given),
			&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print the version"},
			cli.HelpFlag),
		Before: s.before,
		Action: s.action,
		Commands: []*cli.Command{
			{
				Name:  "serve",
				Usage: "start the server; narwhal without a command does the same",
				Flags: config.Flags(s.source.Given), Action: s.action,
			},
			benchCommand(),
			nerCommand(),
			modelCommand(),
		},
		Writer:    s.stdout,
		ErrWriter: s.stderr,
		// Package cli would exit for some errors. Only run chooses the exit status.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usageErrorOf(args),
		HideVersion:    true, // our --version prints more
	}
	app.Commands = append(app.Commands, controlCommands()...)
	app.Commands = append(app.Commands, helpCommand(app), completionCommand(app), manualCommand(app), versionCommand())
	prepare(app.Commands, usageErrorOf(args))
	text := helpText(app.Commands)
	app.CustomAppHelpTemplate = text
	app.Command("serve").CustomHelpTemplate = text
	return app
}

// prepare sets what all commands have in common: they have no command "help" of their
// own, and report usage errors with onUsageError.
func prepare(commands []*cli.Command, onUsageError cli.OnUsageErrorFunc) {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = onUsageError
		prepare(c.Subcommands, onUsageError)
	}
}
