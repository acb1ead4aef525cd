package config

import (
	"strings"
	"unicode/utf8"
)

// Text returns what "narwhal help SETTING" prints.
func (s Setting) Text() string {
	var b strings.Builder
	b.WriteString(s.Spellings() + "\n")
	b.WriteString(Wrap(s.Usage, 4, width) + "\n\n")
	for _, paragraph := range strings.Split(s.Help, "\n") {
		b.WriteString(Wrap(paragraph, 0, width) + "\n")
	}
	b.WriteString("\n")
	for _, row := range s.facts() {
		if row[1] != "" {
			b.WriteString(strings.TrimRight(pad(row[0], 12)+Wrap(row[1], 12, width)[12:], " ") + "\n")
		}
	}
	return b.String()
}

// width is the width of the help. It is one less than a terminal's 80, because some
// terminals wrap a full line.
const width = 79

func (s Setting) facts() [][2]string {
	file := s.Key()
	if file == "" {
		file = "not in the file"
	}
	if s.Switch {
		file = ""
	}
	return [][2]string{
		{"default", s.Initial()},
		{"variable", s.Variable()},
		{"file", file},
		{"Gunicorn", s.Gunicorn},
		{"Uvicorn", s.Uvicorn},
		{"differs", s.Differs},
	}
}

// Spellings returns the flags and the placeholder: -w, --workers N.
func (s Setting) Spellings() string {
	text := s.Flag()
	if s.Short != "" {
		text = "-" + s.Short + ", " + text
	}
	for _, alias := range s.Aliases {
		text += ", --" + alias
	}
	if !s.Switch {
		text += " " + s.Placeholder
	}
	return text
}

// Wrap breaks text into lines of at most width columns, each indented by indent columns.
// A text that begins with a space is only indented, because it has its form already.
func Wrap(text string, indent, width int) string {
	margin := strings.Repeat(" ", indent)
	if strings.HasPrefix(text, " ") {
		return margin + text
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && indent+columns(line)+1+columns(word) > width {
			lines = append(lines, margin+line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line == "" && lines == nil {
		return ""
	}
	return strings.Join(append(lines, margin+line), "\n")
}

func columns(text string) int { return utf8.RuneCountInString(text) }

func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-columns(text)))
}
