package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/pidfile"
)

// controlCommands returns the commands that talk to a running master over its control
// socket.
func controlCommands() []*cli.Command {
	return []*cli.Command{
		{
			Name:  "status",
			Usage: "show a running server's workers and what they do",
			Description: `It prints a line for each worker process, also for those that leave. AGE is the
serial number of the worker, GEN that of its configuration. MEMORY counts in
equal parts what processes share.`,
			Flags: append(masterFlags(),
				&cli.BoolFlag{Name: "watch", Usage: "show it again every second, until Ctrl-C"},
				&cli.BoolFlag{Name: "json", Usage: "print one JSON object; with --watch, one in each line"}),
			Action: showStatus,
		},
		healthCommand(),
		{
			Name:  "reload",
			Usage: "read the configuration again and replace the workers",
			Description: `It does what the signal HUP does, and waits. The exit status is 0 if the new
workers serve. It is 1, with the reason, if the configuration is wrong or a
worker could not start. Then the old workers go on. No request is lost.`,
			Flags:  masterFlags(),
			Action: tellMaster(0, func(c *cli.Context, m control.Master) (string, error) { return m.Reload(c.Context) }),
		},
		{
			Name:  "upgrade",
			Usage: "replace the running program by the one on disk",
			Description: `It does what the signal USR2 does, and waits. The exit status is 0 if the new
program has taken over the sockets and all its workers are ready. It is 1, with
the reason, if it could not. Then the old program goes on. No request is lost.`,
			Flags:  masterFlags(),
			Action: tellMaster(0, func(c *cli.Context, m control.Master) (string, error) { return m.Upgrade(c.Context) }),
		},
		{
			Name:      "scale",
			Usage:     "set the number of workers, until the next reload or upgrade",
			ArgsUsage: "N",
			Description: `It waits until N workers are ready and the others have left. The next reload
or upgrade sets the configured number again.`,
			Flags:  masterFlags(),
			Action: scaleMaster,
		},
		{
			Name:  "stop",
			Usage: "end a running server when its requests are answered",
			Description: `It does what the signal TERM does, and waits until the process has gone. The
exit status is 0 if every request was answered, and 1 if some did not finish
within --graceful-timeout.`,
			Flags:  append(masterFlags(), &cli.BoolFlag{Name: "quick", Usage: "give requests one second, as the signal INT does"}),
			Action: tellMaster(0, func(c *cli.Context, m control.Master) (string, error) { return m.Stop(c.Context, c.Bool("quick")) }),
		},
	}
}

func masterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.PathFlag{Name: "pid-file", Usage: "the server whose --pid is `PATH`", DefaultText: "the running server"},
		&cli.PathFlag{Name: "control-socket", Usage: "the server whose --control-socket is `PATH`", DefaultText: "in the runtime directory"},
	}
}

// findMaster returns a client for the master that --control-socket or --pid-file names,
// or else for the only master that runs. It fails if both flags are given, if no master
// is found, or if several are. It does not check that a master uses --control-socket.
func findMaster(c *cli.Context) (*control.Client, error) {
	path, pidFile := c.Path("control-socket"), c.Path("pid-file")
	var err error
	switch {
	case strings.HasPrefix(path, "@"):
		return nil, &usageError{what: fmt.Sprintf("--control-socket %s: a control socket is a file, not an abstract socket", path), hint: "a file of that name is ./" + path}
	case path != "" && pidFile != "":
		return nil, &usageError{what: "--control-socket and --pid-file both name a server", hint: "leave one of them out"}
	case pidFile != "":
		path, err = control.FindPidFile(pidFile)
	case path == "":
		path, err = control.Find(0)
	}
	if several := (*control.SeveralError)(nil); errors.As(err, &several) {
		return nil, chooseMaster(c, several.Paths)
	}
	if err != nil {
		return nil, masterError(err)
	}
	return control.NewClient(path), nil
}

// describeWithin bounds the time that chooseMaster waits for the masters' answers.
const describeWithin = 2 * time.Second

// chooseMaster returns the error for a command that found several masters. The
// error names each master's pid and addresses, and how to choose one of them.
func chooseMaster(c *cli.Context, sockets []string) error {
	ctx, cancel := context.WithTimeout(c.Context, describeWithin)
	defer cancel()
	masters, choices := make([]string, len(sockets)), make([]string, len(sockets))
	var asked sync.WaitGroup
	for i, socket := range sockets {
		asked.Go(func() {
			masters[i] = "pid " + strings.TrimSuffix(filepath.Base(socket), ".sock")
			choices[i] = "--control-socket " + socket
			switch s, err := control.NewClient(socket).Status(ctx); {
			case err != nil:
				masters[i] += " (it does not answer)"
			case len(s.Listen) > 0:
				masters[i] += " on " + strings.Join(s.Listen, " and ")
				choices[i] += " for " + s.Listen[0]
			}
		})
	}
	asked.Wait()
	return &hinted{
		fmt.Errorf("%s: %d masters are running: %s", c.Command.Name, len(sockets), strings.Join(masters, "; ")),
		fmt.Sprintf("choose one: add to narwhal %s one of these: %s", c.Command.Name, strings.Join(choices, ", or ")),
	}
}

// masterError adds a hint to an error of package control: the hint that the master
// sent, or how to name a master if none was found.
func masterError(err error) error {
	failure := (*control.Failure)(nil)
	switch {
	case errors.As(err, &failure):
		return &hinted{err, failure.Hint}
	case errors.Is(err, control.ErrNone), errors.Is(err, pidfile.ErrFree):
		return &hinted{err, "start a server, or name a running one with --control-socket PATH or --pid-file PATH; only its user and root can find it"}
	}
	return err
}

// tellMaster returns the action of a command. The action refuses more than args
// arguments, finds the master, calls tell and prints what tell returns.
func tellMaster(args int, tell func(*cli.Context, control.Master) (string, error)) cli.ActionFunc {
	return func(c *cli.Context) error {
		name := c.Command.Name
		if err := flagsFirst(name, c.Args().Slice()); err != nil {
			return err
		}
		if c.NArg() > args {
			return &usageError{what: fmt.Sprintf("%s takes no argument, not %q", name, c.Args().First()), hint: "to choose one of several servers, use --pid-file PATH or --control-socket PATH"}
		}
		// After Ctrl-C the command stops waiting. The master carries on with the order.
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		defer stop()
		c.Context = ctx
		m, err := findMaster(c)
		if err != nil {
			return err
		}
		said, err := tell(c, m)
		if errors.Is(err, context.Canceled) {
			return &hinted{errors.New(name + ": interrupted while it waited for the outcome"), "the server goes on; narwhal status shows its progress"}
		}
		if err != nil {
			return masterError(err)
		}
		_, err = fmt.Fprintln(c.App.Writer, said)
		return err
	}
}

func scaleMaster(c *cli.Context) error {
	if err := flagsFirst("scale", c.Args().Slice()); err != nil {
		return err
	}
	text := c.Args().First()
	n, err := strconv.Atoi(text)
	switch {
	case c.NArg() != 1:
		return &usageError{what: fmt.Sprintf("scale takes one number of workers, not %d arguments", c.NArg()), hint: "narwhal scale 4"}
	case err != nil && strings.Trim(text, "0123456789") != "":
		return &usageError{what: fmt.Sprintf("scale: %q is not a whole number of workers", text), hint: "narwhal scale 4"}
	case n < 1:
		return tooFewWorkers(text)
	case n > control.MaxWorkers:
		return &usageError{what: fmt.Sprintf("scale: %s workers: want at most %d", text, control.MaxWorkers), hint: "more workers than cores do not make recognition faster"}
	}
	return tellMaster(1, func(c *cli.Context, m control.Master) (string, error) { return m.Scale(c.Context, n) })(c)
}

func tooFewWorkers(text string) error {
	return &usageError{what: fmt.Sprintf("scale: %s workers: want at least 1", text), hint: "narwhal stop ends the server"}
}

// watchEvery is the pause between two outputs of status --watch.
const watchEvery = time.Second

func showStatus(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{what: fmt.Sprintf("status takes no argument, got %q", c.Args().First()), hint: "narwhal status --help"}
	}
	m, err := findMaster(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := c.App.Writer
	for {
		s, err := m.Status(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return masterError(err)
		case c.Bool("json"):
			e := json.NewEncoder(w)
			if !c.Bool("watch") {
				e.SetIndent("", "  ")
			}
			err = e.Encode(s)
		default:
			if c.Bool("watch") && isTerminal(w) {
				io.WriteString(w, "\x1b[H\x1b[2J") // go to the top of the screen and clear it
			}
			_, err = io.WriteString(w, statusText(s))
		}
		if err != nil || !c.Bool("watch") {
			return err
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return nil
		}
	}
}
