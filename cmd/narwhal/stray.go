package main

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/model"
)

// strayArgument returns the error for an argument that is no command, or that follows
// serve. The hint is a guess at what was meant.
func strayArgument(c *cli.Context) error {
	stray := c.Args().First()
	e := &usageError{what: fmt.Sprintf("unexpected argument %q", stray), hint: "serve takes settings only: narwhal --help lists them"}
	if c.Command.Name != "serve" {
		e.what = fmt.Sprintf("there is no command %q", stray)
		e.hint = "narwhal --help lists the commands and settings"
	}
	rest := c.Args().Tail()
	switch likely := likelyCommand(stray, c.App.Commands); {
	case moduleApp.MatchString(stray) && !isAddress(stray):
		e.hint = "leave out MODULE:APP: narwhal serves its own application"
	case likely != "":
		e.hint = likely
	case len(rest) > 0 && strings.HasPrefix(rest[0], "-"):
		e.hint = fmt.Sprintf("flags come first: %s was not read because it comes after %q", rest[0], stray)
	}
	return e
}

// moduleApp matches MODULE:APP, which tells Gunicorn and Uvicorn what to serve.
var moduleApp = regexp.MustCompile(`^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?$`)

// otherWords has hints for words that are no commands: commands of other programs, and
// words for which narwhal has a setting or a subcommand.
var otherWords = map[string]string{
	"ready":   "narwhal health",
	"config":  "narwhal --print-config shows the settings in force; narwhal -c PATH reads a file",
	"check":   "narwhal --check-config checks the settings; narwhal model check checks a model",
	"test":    "narwhal --check-config checks the settings; narwhal model check checks a model",
	"start":   "narwhal without a command starts the server",
	"run":     "narwhal without a command starts the server",
	"up":      "narwhal without a command starts the server",
	"server":  "narwhal without a command starts the server",
	"daemon":  "narwhal without a command starts the server in the foreground; let systemd or a container runtime start it",
	"restart": "narwhal reload replaces the workers and loses no request; narwhal upgrade replaces the program too",
	"down":    "narwhal stop",
	"kill":    "narwhal stop",
	"quit":    "narwhal stop",
	"exit":    "narwhal stop",
	"ps":      "narwhal status",
	"list":    "narwhal status shows the workers; narwhal model list the models",
	"show":    "narwhal status",
	"info":    "narwhal status shows the server; narwhal --version the program",
	"update":  "narwhal upgrade",
	"workers": "narwhal -w 4 starts that many; narwhal scale 4 changes the number",
	"pull":    "narwhal model pull",
	"add":     "narwhal model add PATH",
	"install": "narwhal model pull",
	"models":  "narwhal model list",
	"load":    "narwhal bench",
}

var port = regexp.MustCompile(`^[0-9]+$`)

// pipelineName matches the names of spaCy's own pipelines, such as fr_core_news_sm.
var pipelineName = regexp.MustCompile(`^[a-z]{2,3}_(core|ent)_`)

// likelyCommand returns a hint at what a word that is no command most likely means, or
// "" if there is no good guess.
func likelyCommand(word string, commands []*cli.Command) string {
	if hint, ok := otherWords[strings.ToLower(word)]; ok {
		return hint
	}
	if hint := commandHint(word, commands); hint != "" {
		return hint
	}
	switch s, isSetting := config.Lookup(word); {
	case isSetting && len(word) > 1:
		return "settings are flags: narwhal " + s.Spellings()
	case port.MatchString(word) && len(word) < 3:
		return fmt.Sprintf("for a number of workers: narwhal -w %s", word)
	case isAddress(word):
		return "for an address to listen on: narwhal --bind " + word
	case strings.HasPrefix(word, "http://"), strings.HasPrefix(word, "https://"):
		return fmt.Sprintf("to listen on an address: narwhal --bind HOST:PORT, without http://; to send requests there: narwhal bench %s", word)
	case strings.HasSuffix(word, ".toml"):
		return "for a configuration file: narwhal -c " + word
	case pipelineName.MatchString(word), strings.HasSuffix(word, ".whl"):
		return "for a model: narwhal --model " + word
	case strings.ContainsAny(word, " \t\n"):
		return fmt.Sprintf("for the entities of a text: narwhal ner %q", word)
	}
	if _, err := model.Standard().Find(word); err == nil {
		return "for a model: narwhal --model " + word
	}
	if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() {
		return fmt.Sprintf("for the entities of a file: narwhal ner %s; for a configuration file: narwhal -c %[1]s", word)
	}
	return ""
}

// isAddress reports whether a word looks like what --bind takes.
func isAddress(word string) bool {
	if port.MatchString(word) || strings.HasPrefix(word, "unix:") || strings.HasPrefix(word, "fd://") {
		return true
	}
	host, number, ok := strings.Cut(word, ":")
	if ok && port.MatchString(number) && !strings.ContainsAny(host, "/ ") {
		return true
	}
	_, err1 := netip.ParseAddr(strings.Trim(word, "[]"))
	_, err2 := netip.ParseAddrPort(word)
	return err1 == nil || err2 == nil
}
