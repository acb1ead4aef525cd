package config

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the table of docs/settings.md: all settings. A test compares the
// document with it.
func Markdown() string {
	var b strings.Builder
	b.WriteString(settingsHead)
	for _, group := range Groups() {
		fmt.Fprintf(&b, "| **%s** | | |\n", group)
		for _, s := range Table() {
			if s.Group == group {
				b.WriteString(s.markdownRow())
			}
		}
	}
	return b.String()
}

// often has the settings that the README names.
var often = []string{"bind", "workers", "worker-class", "threads", "worker-connections", "limit-body", "timeout",
	"graceful-timeout", "keep-alive", "model", "log-level", "access-logfile", "admin-bind", "config", "check-config"}

// ReadmeMarkdown returns the README's table: the settings that are used often.
func ReadmeMarkdown() string {
	var b strings.Builder
	b.WriteString(settingsHead)
	for _, name := range often {
		s, _ := Lookup(name)
		b.WriteString(s.markdownRow())
	}
	return b.String()
}

const settingsHead = "| setting | default | meaning |\n| --- | --- | --- |\n"

func (s Setting) markdownRow() string {
	return fmt.Sprintf("| %s | %s | %s |\n", s.markdownFlags(), cell(s.Initial()), cell(s.Usage))
}

// MigrationMarkdown returns the table of docs/migrating.md: the flag of Gunicorn and of
// Uvicorn, narwhal's flag, and what differs. A key of Gunicorn's file has a row only if
// no flag has its name.
func MigrationMarkdown() string {
	var b strings.Builder
	b.WriteString("| Gunicorn | Uvicorn | narwhal | what differs |\n| --- | --- | --- | --- |\n")
	named := map[string]bool{} // flags of Gunicorn and Uvicorn that have a row
	for _, s := range Table() {
		if s.Gunicorn == "" && s.Uvicorn == "" {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
			codes(s.Gunicorn), codes(s.Uvicorn), s.markdownFlags(), cell(s.Differs))
		for _, flag := range strings.Split(s.Gunicorn+", "+s.Uvicorn, ", ") {
			named[flag] = true
		}
	}
	isNamed := func(flag string) bool { return named[flag] }
	for _, o := range Others() {
		theirs := slices.DeleteFunc(dashed(o.Gunicorn), isNamed)
		uvicorns := slices.DeleteFunc(dashed(o.Uvicorn), isNamed)
		ours := "none"
		if s, ok := Lookup(o.Ours); ok {
			ours = s.markdownFlags()
		}
		if theirs = append(theirs, o.Keys...); len(theirs)+len(uvicorns) > 0 {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
				codes(strings.Join(theirs, ", ")), codes(strings.Join(uvicorns, ", ")), ours, cell(o.Instead))
		}
	}
	return b.String()
}

func (s Setting) markdownFlags() string {
	spellings := []string{s.Flag()}
	if s.Short != "" {
		spellings = slices.Insert(spellings, 0, "-"+s.Short)
	}
	return codes(strings.Join(spellings, ", "))
}

// dashed writes names as flags.
func dashed(names []string) []string {
	var flags []string
	for _, name := range names {
		if len(name) > 1 {
			name = "-" + name
		}
		flags = append(flags, "-"+name)
	}
	return flags
}

// codes sets each item of a list as code.
func codes(list string) string {
	if list == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(list, ", ", "`, `") + "`"
}

// cell escapes the character that would end a table cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
