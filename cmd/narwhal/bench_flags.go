package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/bench"
)

// benchDuration is the value of a flag. It takes seconds (0.5) and durations (1m30s),
// as narwhal's settings do.
type benchDuration time.Duration

// String returns text that Set can read. Package cli uses it to copy the value of -z
// to --duration.
func (d *benchDuration) String() string { return time.Duration(*d).String() }

func (d *benchDuration) Set(text string) error {
	v, err := config.ParseDuration(text)
	if err == nil {
		*d = benchDuration(v)
	}
	return err
}

// benchTrailingFlags sets the flags that follow the URL, as in narwhal bench URL -n 10.
// Package flag stops at the URL and leaves them as arguments. benchTrailingFlags fails
// for a second URL, an unknown flag and a bad value.
func benchTrailingFlags(c *cli.Context) error {
	args := c.Args().Slice()
	for i := 1; i < len(args); i++ {
		name, value, given := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") {
			return &usageError{what: fmt.Sprintf("bench takes one URL, not %q as well", args[i]), hint: "narwhal bench " + args[0]}
		}
		flag := findFlag(c.Command.Flags, name)
		if flag == nil {
			return &usageError{what: "unknown flag " + args[i], hint: flagHint(c.Command, name, args[i])}
		}
		if _, isSwitch := flag.(*cli.BoolFlag); isSwitch && !given {
			value = "true"
		} else if !given {
			if i++; i == len(args) {
				return &usageError{what: args[i-1] + " needs a value", hint: flagText(flag)}
			}
			value = args[i]
		}
		if err := c.Set(flag.Names()[0], value); err != nil {
			return invalidValueError(flag, "--"+flag.Names()[0], value, err.Error())
		}
	}
	return nil
}

// benchTime returns the value of a flag of type benchDuration.
func benchTime(c *cli.Context, name string) time.Duration {
	return time.Duration(*c.Generic(name).(*benchDuration))
}

// benchURL puts http:// before an address that has no scheme. curl does so, too, and
// the server's greeting and the README show addresses without a scheme.
func benchURL(arg string) string {
	if arg == "" || strings.Contains(arg, "://") || strings.HasPrefix(arg, "unix:") {
		return arg
	}
	return "http://" + arg
}

// benchCombination returns an error for flags that do not go together, and for numbers
// that are too small. The error names the flags. Package bench checks the rest.
func benchCombination(c *cli.Context, o bench.Options) error {
	for _, name := range []string{"requests", "trials", "connections", "max-in-flight"} {
		if n := c.Int(name); c.IsSet(name) && n < 1 {
			return &usageError{what: fmt.Sprintf("--%s is %d: want at least 1", name, n), hint: flagText(findFlag(c.Command.Flags, name))}
		}
	}
	switch {
	case c.IsSet("rate") && !(o.Rate > 0):
		return &usageError{what: fmt.Sprintf("--rate is %v: want requests a second, more than 0", o.Rate), hint: "narwhal bench -q 200 -z 10s"}
	case o.Requests > 0 && o.Duration > 0:
		return &usageError{what: "both --requests and --duration", hint: "give one of them: -n 1000, or -z 10s with -c or -q"}
	case o.Duration > 0 && o.Rate == 0 && o.Connections == 0:
		return &usageError{what: "--duration needs --connections (closed loop) or --rate (open loop)", hint: "narwhal bench -c 16 -z 10s, or narwhal bench -q 200 -z 10s"}
	case o.Trials > 1 && (o.Duration > 0 || o.Rate > 0):
		return &usageError{what: "--trials goes with --requests: a time and a rate are run once", hint: "leave --trials out"}
	case o.MaxInFlight > 0 && o.Rate == 0:
		return &usageError{what: "--max-in-flight goes with --rate", hint: "narwhal bench -q 200 --max-in-flight 100"}
	}
	return nil
}
