package config

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the README's table of settings. A test compares the README with it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | default | meaning |\n| --- | --- | --- |\n")
	for _, group := range Groups() {
		fmt.Fprintf(&b, "| **%s** | | |\n", group)
		for _, s := range Table() {
			if s.Group == group {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", s.markdownFlags(), cell(s.Initial()), cell(s.Usage))
			}
		}
	}
	return b.String()
}

// MigrationMarkdown returns the table of docs/migrating.md: the flag of Gunicorn and of
// Uvicorn, narwhal's flag, and what differs.
func MigrationMarkdown() string {
	var b strings.Builder
	b.WriteString("| Gunicorn | Uvicorn | narwhal | what differs |\n| --- | --- | --- | --- |\n")
	for _, s := range Table() {
		if s.Gunicorn == "" && s.Uvicorn == "" {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
			codes(s.Gunicorn), codes(s.Uvicorn), s.markdownFlags(), cell(s.Differs))
	}
	for _, o := range Others() {
		if o.Ours != "" {
			continue // the table above names it, or it is a key of a file
		}
		fmt.Fprintf(&b, "| %s | %s | none | %s |\n", dashed(o.Gunicorn), dashed(o.Uvicorn), cell(o.Instead))
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
func dashed(names []string) string {
	var flags []string
	for _, name := range names {
		if len(name) > 1 {
			name = "-" + name
		}
		flags = append(flags, "-"+name)
	}
	return codes(strings.Join(flags, ", "))
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
