package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/control"
)

// healthTimeout is the default of health's --timeout. It is less than the time that
// orchestrators give a health check.
const healthTimeout = 5 * time.Second

// healthCommand returns the command that a container runs to see whether it is healthy.
func healthCommand() *cli.Command {
	within := benchDuration(healthTimeout)
	return &cli.Command{
		Name:  "health",
		Usage: "check that a running server is ready",
		Description: `The exit status is 0 if the server answers requests, also during a reload or an
upgrade. It is 1, with the reason, if the server starts or stops, if none of its
workers is ready, if no server is found, or if it gives no answer in time. The
check needs no shell, so an image without one can have it:

   HEALTHCHECK CMD ["/usr/bin/narwhal", "health"]`,
		Flags: append(masterFlags(),
			&cli.GenericFlag{Name: "timeout", Value: &within, DefaultText: config.FormatDuration(healthTimeout), Usage: "wait for the answer for at most this `TIME`"}),
		Action: checkHealth,
	}
}

// checkHealth finds the master as status does, and fails if it is not ready. It returns
// after --timeout also if the master hangs and takes no connection.
func checkHealth(c *cli.Context) error {
	within := benchTime(c, "timeout")
	switch {
	case c.Args().Present():
		return &usageError{what: fmt.Sprintf("health takes no argument, got %q", c.Args().First()), hint: "to choose one of several servers, use --pid-file PATH or --control-socket PATH"}
	case within == 0:
		return &usageError{what: "--timeout must be more than 0", hint: flagText(findFlag(c.Command.Flags, "timeout"))}
	}
	ctx, cancel := context.WithTimeout(c.Context, within)
	defer cancel()
	c.Context = ctx
	type answer struct {
		said string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		said, err := askHealth(c)
		answers <- answer{said, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	if errors.Is(a.err, context.DeadlineExceeded) {
		return &hinted{fmt.Errorf("health: %s gave no answer within %s", askedMaster(c), config.FormatDuration(within)),
			"the master hangs, or the machine is too busy: look at the server's log; --timeout TIME waits longer"}
	}
	if a.err != nil {
		return a.err
	}
	_, err := fmt.Fprintln(c.App.Writer, a.said)
	return err
}

// askedMaster names the master that a command has asked.
func askedMaster(c *cli.Context) string {
	switch socket, pidFile := c.Path("control-socket"), c.Path("pid-file"); {
	case socket != "":
		return "the server at " + socket
	case pidFile != "":
		return "the server of pid file " + pidFile
	}
	return "the running server"
}

// askHealth asks the master for its status. It fails if the master is not ready.
func askHealth(c *cli.Context) (said string, err error) {
	m, err := findMaster(c)
	if err != nil {
		return "", err
	}
	s, err := m.Status(c.Context)
	if err != nil {
		return "", masterError(err)
	}
	return healthOf(s)
}

// healthOf returns a sentence about a server that is ready, and an error for another one.
func healthOf(s *control.Status) (said string, err error) {
	ready := 0
	for _, w := range s.Workers {
		if w.State == control.StateReady {
			ready++
		}
	}
	text := fmt.Sprintf("master %d on %s: %d of %d workers ready", s.Pid, strings.Join(s.Listen, ", "), ready, s.Wanted)
	hint := "the log says why no worker is ready; narwhal status shows the workers"
	switch s.State {
	case control.StateReady, control.StateReloading, control.StateUpgrading:
		if ready > 0 {
			return s.State + ": " + text, nil
		}
	case control.StateStarting:
		hint = "wait until the workers have loaded the model; narwhal status shows the workers, and the log why one could not start"
	case control.StateLeaving, control.StateStopping:
		hint = "the server is being stopped: start it again if it should serve"
	}
	return "", &hinted{fmt.Errorf("health: the server is not ready, it is %s: %s", s.State, text), hint}
}
