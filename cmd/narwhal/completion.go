package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/model"
)

var shells = map[string]func([]completed) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}

// completionCommand returns the command that prints the completion script of a shell.
func completionCommand(app *cli.App) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `make install puts the scripts where the shells look. For yourself alone:

   bash   narwhal completion bash >~/.local/share/bash-completion/completions/narwhal
   zsh    narwhal completion zsh >~/.zfunc/_narwhal, with ~/.zfunc in $fpath
   fish   narwhal completion fish >~/.config/fish/completions/narwhal.fish`,
		Action: func(c *cli.Context) error {
			script, ok := shells[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return &usageError{what: "narwhal completion takes the name of one shell", hint: "it is bash, zsh or fish, as in: narwhal completion bash"}
			}
			_, err := io.WriteString(app.Writer, script(completedWords(app)))
			return err
		},
	}
}

// completed is a command with the words that may follow it.
type completed struct {
	path     string // such as "narwhal model pull"
	commands []named
	flags    []completedFlag
	args     []string // words that an argument may be
	files    bool     // whether an argument may be a file
}

type completedFlag struct {
	spellings []string // with dashes
	usage     string
	value     bool
	values    []string // words that the value may be
	files     bool     // whether the value may be a file
}

// completedWords returns every command with the words that may follow it. It reads
// them from the tables of settings, signals and commands.
func completedWords(app *cli.App) []completed {
	var settings []completedFlag
	for _, s := range config.Table() {
		settings = append(settings, settingFlag(s))
	}
	settings = append(settings,
		completedFlag{spellings: []string{"-v", "--version"}, usage: "print the version"},
		completedFlag{spellings: []string{"-h", "--help"}, usage: "print the help"})
	all := []completed{
		{path: "narwhal", commands: commandNames(app.Commands), flags: settings},
		{path: "narwhal serve", flags: settings},
	}
	all[0].commands = append(all[0].commands, named{"serve", app.Command("serve").Usage})
	for _, c := range shownCommands(app.Commands) {
		all = append(all, completedCommands("narwhal", c)...)
	}
	for i := range all {
		switch c := &all[i]; c.path {
		case "narwhal ner", "narwhal model add", "narwhal model check":
			c.files = true
		case "narwhal model pull":
			for _, r := range model.Releases {
				c.args = append(c.args, r.Name)
			}
		case "narwhal completion":
			c.args = []string{"bash", "zsh", "fish"}
		case "narwhal help":
			for _, s := range config.Table() {
				c.args = append(c.args, s.Name)
			}
			for _, s := range masterSignals {
				c.args = append(c.args, strings.Split(s.name, ", ")...)
			}
			for _, command := range shownCommands(app.Commands) {
				c.args = append(c.args, command.Name)
			}
		}
	}
	return all
}

func commandNames(commands []*cli.Command) []named {
	var names []named
	for _, c := range shownCommands(commands) {
		names = append(names, named{c.Name, c.Usage})
	}
	return names
}

func completedCommands(prefix string, c *cli.Command) []completed {
	this := completed{path: prefix + " " + c.Name, commands: commandNames(c.Subcommands)}
	for _, f := range c.Flags {
		if isHelp(f) {
			continue
		}
		_, usage, _ := strings.Cut(f.String(), "\t")
		cf := completedFlag{usage: usage}
		for _, name := range f.Names() {
			if len(name) > 1 {
				name = "-" + name
			}
			cf.spellings = append(cf.spellings, "-"+name)
		}
		if s, ok := config.Lookup(f.Names()[0]); ok && c.Name == "ner" {
			cf = settingFlag(s) // --model and --exclude are settings of the server, too
		} else if _, isSwitch := f.(*cli.BoolFlag); !isSwitch {
			cf.value = true
			_, cf.files = f.(*cli.PathFlag)
		}
		this.flags = append(this.flags, cf)
	}
	this.flags = append(this.flags, completedFlag{spellings: []string{"-h", "--help"}, usage: "print the help"})
	all := []completed{this}
	for _, sub := range shownCommands(c.Subcommands) {
		all = append(all, completedCommands(this.path, sub)...)
	}
	return all
}

func settingFlag(s config.Setting) completedFlag {
	f := completedFlag{spellings: []string{s.Flag()}, usage: s.Usage, value: !s.Switch, values: s.Choices, files: s.Placeholder == "PATH"}
	if s.Short != "" {
		f.spellings = slices.Insert(f.spellings, 0, "-"+s.Short)
	}
	for _, alias := range s.Aliases {
		f.spellings = append(f.spellings, "--"+alias)
	}
	if s.Auto {
		f.values = []string{config.Auto}
	}
	if s.Name == "model" {
		f.values, f.files = []string{autoModel, proseModel}, true
		for _, r := range model.Releases {
			f.values = append(f.values, r.Name)
		}
	}
	return f
}

// quoteWord puts a text between single quotes for a shell. quote replaces a single
// quote in the text. For bash and zsh it has four characters: they end the quotes, add
// an escaped quote, and begin the quotes again. For fish it is an escaped quote, and
// each backslash is doubled, too.
func quoteWord(text, quote string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, map[bool]string{true: `\\`, false: `\`}[quote == `\'`]), "'", quote) + "'"
}

const completionNote = "# Made by \"narwhal completion %s\" from the tables of settings and commands.\n"

// paths returns the paths of all commands but the first, which is narwhal itself.
func paths(all []completed) (paths []string) {
	for _, c := range all[1:] {
		paths = append(paths, c.path)
	}
	return paths
}

func bashCompletion(all []completed) string {
	var b strings.Builder
	fmt.Fprintf(&b, completionNote, "bash")
	b.WriteString(`_narwhal() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=narwhal i words= files=
	# bash breaks --flag=value into three words.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$at ${COMP_WORDS[i]}" in
`)
	fmt.Fprintf(&b, "\t\t\t%s) at=\"$at ${COMP_WORDS[i]}\" ;;\n", quotedPatterns(paths(all)))
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$at $prev\" in\n")
	eachValue(all, func(patterns, values []string, files bool) {
		fmt.Fprintf(&b, "\t\t%s)\n\t\t\twords='%s' files=%s ;;\n", quotedPatterns(patterns), strings.Join(values, " "), yes(files))
	})
	b.WriteString("\t\t*) case \"$at\" in\n")
	for _, c := range all {
		var flags, words []string
		for _, f := range c.flags {
			flags = append(flags, f.spellings...)
		}
		for _, command := range c.commands {
			words = append(words, command.name)
		}
		words = append(words, c.args...)
		fmt.Fprintf(&b, "\t\t\t'%s') case \"$cur\" in\n\t\t\t\t-*) words='%s' ;;\n\t\t\t\t*) words='%s' files=%s ;;\n\t\t\tesac ;;\n",
			c.path, strings.Join(flags, " "), strings.Join(words, " "), yes(c.files))
	}
	b.WriteString(`		esac ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [ -z "$files" ] || compgen -f -- "$cur")
	[ -z "$files" ] || compopt -o filenames 2>/dev/null
}
complete -F _narwhal narwhal
`)
	return b.String()
}

func zshCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("#compdef narwhal\n")
	fmt.Fprintf(&b, completionNote, "zsh")
	b.WriteString(`_narwhal() {
	local at=narwhal prev=${words[CURRENT-1]} i
	local -a commands flags values
	for ((i = 2; i < CURRENT; i++)); do
		case "$at ${words[i]}" in
`)
	fmt.Fprintf(&b, "\t\t\t%s) at=\"$at ${words[i]}\" ;;\n", quotedPatterns(paths(all)))
	b.WriteString(`		esac
	done
	if [[ $PREFIX == --*=* ]]; then
		prev=${PREFIX%%=*}
		compset -P '*='
	fi
	case "$at $prev" in
`)
	eachValue(all, func(patterns, values []string, files bool) {
		fmt.Fprintf(&b, "\t\t%s)\n\t\t\t", quotedPatterns(patterns))
		if len(values) > 0 {
			fmt.Fprintf(&b, "compadd -- %s; ", strings.Join(values, " "))
		}
		if files {
			b.WriteString("_files; ")
		}
		b.WriteString("return ;;\n")
	})
	b.WriteString("\tesac\n\tcase \"$at\" in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "\t\t'%s')\n\t\t\tflags=(", c.path)
		for _, f := range c.flags {
			for _, s := range f.spellings {
				fmt.Fprintf(&b, "\n\t\t\t\t%s", quoteWord(s+":"+f.usage, `'\''`))
			}
		}
		b.WriteString(")\n\t\t\tcommands=(")
		for _, command := range c.commands {
			fmt.Fprintf(&b, "\n\t\t\t\t%s", quoteWord(command.name+":"+command.help, `'\''`))
		}
		fmt.Fprintf(&b, ")\n\t\t\tvalues=(%s)\n", strings.Join(c.args, " "))
		if c.files {
			b.WriteString("\t\t\t[[ $PREFIX == -* ]] || _files\n")
		}
		b.WriteString("\t\t\t;;\n")
	}
	b.WriteString(`	esac
	if [[ $PREFIX == -* ]]; then
		_describe -o flag flags
	else
		(( ${#commands} )) && _describe command commands
		(( ${#values} )) && compadd -- $values
	fi
}
if [ "${funcstack[1]}" = _narwhal ]; then
	_narwhal "$@"
else
	compdef _narwhal narwhal
fi
`)
	return b.String()
}

func fishCompletion(all []completed) string {
	var b strings.Builder
	fmt.Fprintf(&b, completionNote, "fish")
	b.WriteString(`function __narwhal_at
	set -l at narwhal
	for word in (commandline -opc)[2..-1]
`)
	fmt.Fprintf(&b, "\t\tif contains -- \"$at $word\" %s\n", strings.ReplaceAll(quotedPatterns(paths(all)), "|", " "))
	b.WriteString("\t\t\tset at \"$at $word\"\n\t\tend\n\tend\n\ttest \"$at\" = \"$argv\"\nend\ncomplete -c narwhal -f\n")
	for _, c := range all {
		begin := "complete -c narwhal -n '__narwhal_at " + c.path + "'"
		for _, command := range c.commands {
			fmt.Fprintf(&b, "%s -a %s -d %s\n", begin, command.name, quoteWord(command.help, `\'`))
		}
		for _, f := range c.flags {
			b.WriteString(begin)
			for _, s := range f.spellings {
				if long, ok := strings.CutPrefix(s, "--"); ok {
					b.WriteString(" -l " + long)
				} else {
					b.WriteString(" -s " + strings.TrimPrefix(s, "-"))
				}
			}
			if f.value {
				b.WriteString(map[bool]string{true: " -r -F", false: " -x"}[f.files])
			}
			if len(f.values) > 0 {
				fmt.Fprintf(&b, " -a '%s'", strings.Join(f.values, " "))
			}
			fmt.Fprintf(&b, " -d %s\n", quoteWord(f.usage, `\'`))
		}
		if len(c.args) > 0 {
			fmt.Fprintf(&b, "%s -a '%s'\n", begin, strings.Join(c.args, " "))
		}
		if c.files {
			b.WriteString(begin + " -F\n")
		}
	}
	return b.String()
}

// eachValue calls do for every flag that takes a value. places has the command's path
// with each spelling of the flag.
func eachValue(all []completed, do func(places, values []string, files bool)) {
	for _, c := range all {
		for _, f := range c.flags {
			if !f.value {
				continue
			}
			var places []string
			for _, s := range f.spellings {
				places = append(places, c.path+" "+s)
			}
			do(places, f.values, f.files)
		}
	}
}

func quotedPatterns(words []string) string { return "'" + strings.Join(words, "'|'") + "'" }

func yes(b bool) string { return map[bool]string{true: "yes", false: ""}[b] }
