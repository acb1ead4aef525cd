package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/supervisor"
)

// The exit status.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // the command line is wrong
	exitBoot  = 3 // no worker ever became ready; Gunicorn has the same number for that
)

// usageError is a mistake in the command line.
type usageError struct {
	what string
	hint string // what to do; "" if the field what says it
}

func (e *usageError) Error() string { return e.what }

// hinted is any other error, with a hint what to do about it.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// report writes each error that err joins as one line, which can be searched for. The
// hint is the line below it. report returns the exit status.
//
//	narwhal: error: narwhal.toml:3: workers: 0 is too few: want at least 1
//	narwhal: error: --threads: a sync worker computes one request at a time, not 4
//	hint: add --worker-class concurrent (Gunicorn's gthread), or leave --threads out
func report(w io.Writer, err error) int {
	return eachError(err, func(text, hint string) {
		if text != "" {
			fmt.Fprintf(w, "narwhal: error: %s\n", text)
		}
		if hint != "" {
			fmt.Fprintf(w, "hint: %s\n", hint)
		}
	})
}

// eachError calls say with the text and the hint of each error that err joins. It
// returns the exit status. If err is nil, it calls nothing and returns exitOK.
func eachError(err error, say func(text, hint string)) int {
	if err == nil {
		return exitOK
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	status := exitError
	for _, err := range errs {
		hint := ""
		problem, usage, boot, exit := (*config.Problem)(nil), (*usageError)(nil), (*supervisor.BootError)(nil), cli.ExitCoder(nil)
		help := (*hinted)(nil)
		switch {
		case errors.As(err, &problem):
			hint = problem.Hint
			if problem.Usage {
				status = exitUsage
			}
			if setting, ok := config.Lookup(problem.Where); ok && problem.Usage && hint == "" {
				hint = setting.Spellings() + ": " + setting.Usage
			}
		case errors.As(err, &usage):
			hint = usage.hint
			status = exitUsage
		case errors.As(err, &help):
			hint = help.hint
		case errors.As(err, &boot):
			status = exitBoot
		case errors.As(err, &exit):
			status = exit.ExitCode()
		}
		if text := err.Error(); text != "" || hint != "" {
			say(text, hint)
		}
	}
	return status
}

// withHints returns an error whose text has a line for each error that err joins, with
// its hint. It is for a log, or for another process, which would not see the hints.
func withHints(err error) error {
	var lines []string
	eachError(err, func(text, hint string) {
		if hint != "" {
			text += " (hint: " + hint + ")"
		}
		lines = append(lines, text)
	})
	return errors.New(strings.Join(lines, "\n"))
}

// invalidValue matches the error of package flag for a value that a flag refuses.
var invalidValue = regexp.MustCompile(`^invalid (boolean )?value (".*") for (?:flag )?-([^:]*): (.*)$`)

// usageErrorOf returns a function that turns an error of package flag about args into
// a usageError with a hint.
func usageErrorOf(args []string) cli.OnUsageErrorFunc {
	return func(c *cli.Context, err error, _ bool) error {
		text := err.Error()
		if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
			if c.Command.Name == "scale" && strings.Trim(name, "0123456789") == "" {
				return tooFewWorkers("-" + name)
			}
			typed := asTyped(name, args)
			return &usageError{what: "unknown flag " + typed, hint: flagHint(c.Command, name, typed)}
		}
		if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
			e := &usageError{what: asTyped(name, args) + " needs a value"}
			setting, ok := config.Lookup(name)
			if f := findFlag(c.Command.Flags, name); f != nil && !isServer(c.Command) {
				e.hint = flagText(f)
			} else if ok {
				e.hint = setting.Spellings() + ": " + setting.Usage
			}
			return e
		}
		if m := invalidValue.FindStringSubmatch(text); m != nil {
			typed := asTyped(m[3], args)
			if m[1] == "boolean " {
				return &usageError{what: typed + " takes no value", hint: "write " + typed + " alone, or leave it out"}
			}
			value, err := strconv.Unquote(m[2])
			if err != nil {
				value = m[2]
			}
			return invalidValueError(findFlag(c.Command.Flags, m[3]), typed, value, m[4])
		}
		return &usageError{what: text, hint: c.Command.HelpName + " --help lists its flags"}
	}
}

// invalidValueError returns the error for a value that flag f refuses. typed is the
// flag as it was typed. why is the reason that package flag or the value's type gave.
// For a number that is only "parse error", so invalidValueError has its own reason.
func invalidValueError(f cli.Flag, typed, value, why string) *usageError {
	switch f.(type) {
	case *cli.IntFlag:
		why = fmt.Sprintf("%q is not a whole number", value)
	case *cli.Uint64Flag:
		why = fmt.Sprintf("%q is not a whole number of 0 or more", value)
	case *cli.Float64Flag:
		why = fmt.Sprintf("%q is not a number", value)
	}
	e := &usageError{what: typed + ": " + why}
	if f != nil {
		e.hint = flagText(f)
	}
	return e
}

// flagText returns a flag's line of help: "-n, --requests N: requests of a trial".
func flagText(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	var names []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			names = slices.Insert(names, 0, "-"+n)
		} else {
			names = append(names, "--"+n)
		}
	}
	usage := doc.GetUsage()
	placeholder := "VALUE"
	if _, after, ok := strings.Cut(usage, "`"); ok {
		placeholder, _, _ = strings.Cut(after, "`")
	}
	text := strings.Join(names, ", ")
	if doc.TakesValue() {
		text += " " + placeholder
	}
	usage = strings.TrimPrefix(usage, "`"+placeholder+"` ") // the placeholder follows the name already
	return text + ": " + strings.ReplaceAll(usage, "`", "")
}

// asTyped returns a flag as args has it, with one dash or two. Package flag always
// reports it with one.
func asTyped(name string, args []string) string {
	for _, arg := range args {
		if flag, _, _ := strings.Cut(arg, "="); flag == "-"+name || flag == "--"+name {
			return flag
		}
	}
	return "-" + name
}

// isServer reports whether a command's flags are the settings.
func isServer(c *cli.Command) bool { return c.Name == "narwhal" || c.Name == "serve" }

// flagHint says what to do about a flag that command does not have. typed is the flag with
// its dashes.
func flagHint(command *cli.Command, name, typed string) string {
	if name == "V" || name == "version" {
		return "for the version: narwhal -v, or narwhal --version"
	}
	if !isServer(command) {
		if near, ok := config.Nearest(name, flagNames(command.Flags)); ok {
			return "did you mean --" + near + "?"
		}
		return command.HelpName + " --help lists its flags"
	}
	if hint := config.FlagHint(name); hint != "" {
		return hint
	}
	if _, ok := config.Nearest(name, []string{"version"}); ok {
		return "did you mean --version?"
	}
	if !strings.HasPrefix(typed, "--") { // -uwww is Gunicorn's -u www
		if hint := config.OtherHint(typed[:2]); hint != "" {
			return hint
		}
	}
	return "narwhal --help lists all settings"
}
