package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/supervisor"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{nil, 0, ""},
		{errors.New("bind: taken"), 1, "narwhal: error: bind: taken\n"},
		{&usageError{what: "unknown flag -x"}, 2, "narwhal: error: unknown flag -x\n"},
		{&usageError{what: "a", hint: "b"}, 2, "narwhal: error: a\nhint: b\n"},
		{&config.Problem{Where: "n.toml:3: workers", Why: "no", Hint: "yes"}, 1, "narwhal: error: n.toml:3: workers: no\nhint: yes\n"},
		{&config.Problem{Where: "--workers", Why: "no", Usage: true}, 2, "narwhal: error: --workers: no\nhint: -w, --workers N: worker processes; auto: as many as the processors\n"},
		{errors.Join(&config.Problem{Where: "--x", Why: "no", Usage: true}, &config.Problem{Where: "f:1: y", Why: "no"}), 2,
			"narwhal: error: --x: no\nnarwhal: error: f:1: y: no\n"},
		{fmt.Errorf("serve: %w", &supervisor.BootError{Err: errors.New("no model")}), 3,
			"narwhal: error: serve: no worker could start: no model\n"},
		{cli.Exit("differs", 4), 4, "narwhal: error: differs\n"},
		{cli.Exit("", 5), 5, ""},
	} {
		var b strings.Builder
		if status := report(&b, c.err); status != c.status || b.String() != c.text {
			t.Errorf("report(%v) = %d and\n%swant %d and\n%s", c.err, status, &b, c.status, c.text)
		}
	}
}

// Help names the value of each flag for what it is: PATH, TIME, N.
func TestFlagsNameTheirValue(t *testing.T) {
	var check func(path string, commands []*cli.Command)
	check = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				value, ok := f.(cli.DocGenerationFlag)
				if _, isSetting := config.Lookup(f.Names()[0]); c.Name == "serve" && isSetting || !ok || !value.TakesValue() {
					continue
				}
				if strings.Contains(flagText(f), " VALUE") {
					t.Errorf("narwhal%s %s: %s", path, c.Name, flagText(f))
				}
			}
			check(path+" "+c.Name, c.Subcommands)
		}
	}
	check("", newApp(&serving{source: config.Source{Given: config.Given{}}}, nil).Commands)
}
