package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
)

// splitJoined separates flags of one letter from values that are joined to them: -w2
// becomes -w 2. getopt(3) and Gunicorn read the joined form, but package flag does not. If a
// flag follows where a value should, what splitJoined returns ends there. Then package flag
// says that the value is missing. It would take the flag for the value otherwise.
func splitJoined(app *cli.App, args []string) []string {
	out := slices.Clone(args[:min(1, len(args))])
	flags, commands := app.Flags, app.Commands
	behind := false // whether flags may follow the command's argument
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, _, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "" || !strings.HasPrefix(arg, "-") { // a command, or an argument
			command := findCommand(commands, arg)
			switch {
			case command != nil && !command.SkipFlagParsing:
				flags, commands, behind = command.Flags, command.Subcommands, command.Name == "bench"
			case !behind:
				return append(out, args[i:]...)
			}
			out = append(out, arg)
			continue
		}
		switch f := findFlag(flags, name); {
		case f != nil && !joined && takesValue(f) && i+1 < len(args):
			if isFlag(flags, args[i+1]) {
				return append(out, arg)
			}
			out = append(out, arg, args[i+1])
			i++
		case f == nil && !strings.HasPrefix(arg, "--") && takesValue(findFlag(flags, arg[1:2])) && !misspelt(flags, name):
			out = append(out, arg[:2], arg[2:])
		default:
			out = append(out, arg)
		}
	}
	return out
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// isFlag reports whether arg is one of the flags, perhaps with a value behind "=".
func isFlag(flags []cli.Flag, arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && name != "" && findFlag(flags, name) != nil
}

func takesValue(f cli.Flag) bool {
	value, ok := f.(cli.DocGenerationFlag)
	return ok && value.TakesValue()
}

// misspelt reports whether a flag such as -worker is more likely a misspelt --workers
// than -w with the value orker.
func misspelt(flags []cli.Flag, name string) bool {
	if len(name) < 5 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return false
	}
	_, near := config.Nearest(name, flagNames(flags))
	return near
}

// flagNames returns the names that are longer than one letter.
func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, slices.DeleteFunc(slices.Clone(f.Names()), func(n string) bool { return len(n) < 2 })...)
	}
	return names
}
