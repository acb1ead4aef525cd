package main

import (
	"fmt"
	"strings"

	"github.com/narwhal-server/narwhal/config"
)

// roff builds a page in the man macros.
type roff struct{ strings.Builder }

// line writes a line as it is.
func (m *roff) line(text string) { fmt.Fprintln(m, text) }

// text writes a paragraph. man breaks it into lines again.
func (m *roff) text(text string) { m.kept(config.Wrap(text, 0, 72)) }

// kept writes text with its line breaks. It keeps roff from reading a line as a request.
func (m *roff) kept(text string) {
	for _, l := range strings.Split(escapeRoff(text), "\n") {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			l = `\&` + l
		}
		m.line(l)
	}
}

func (m *roff) section(name string) { m.line(".SH " + quoted(name)) }

// tagged begins a paragraph that has a bold name at its left.
func (m *roff) tagged(name string) { m.line(".TP\n.B " + escapeRoff(name)) }

// layout writes paragraphs with macro between them. Lines that begin with a space keep
// their form.
func (m *roff) layout(macro, text string) {
	lines := strings.Split(text, "\n")
	pre := false
	for i, l := range lines {
		indented := strings.HasPrefix(l, " ")
		if indented != pre && l != "" {
			pre = indented
			if pre {
				m.line(macro + "\n.nf")
			} else {
				m.line(".fi\n" + macro)
			}
		}
		switch {
		case l == "" && pre, l == "" && i+1 < len(lines) && strings.HasPrefix(lines[i+1], " "):
		case l == "":
			m.line(macro)
		case pre:
			m.kept(l)
		default:
			m.text(l)
		}
	}
	if pre {
		m.line(".fi")
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(escapeRoff(text), `"`, `\(dq`) + `"` }

// escapeRoff escapes characters that roff would change or read as an escape. It writes
// a hyphen as \-, so that readers can search for it and copy it.
func escapeRoff(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r > 0x7e:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
