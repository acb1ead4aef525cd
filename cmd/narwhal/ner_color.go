package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
)

// labelColors are displaCy's colours, so that a text looks as it does in a notebook.
// Black text on any of them has a contrast of 8:1 or more.
var labelColors = map[string]rgb{
	"PERSON": 0xaa9cfc, "NORP": 0xc887fb, "FAC": 0x9cc9cc, "ORG": 0x7aecec, "GPE": 0xfeca74, "LOC": 0xff9561,
	"PRODUCT": 0xbfeeb7, "EVENT": 0xffeb80, "WORK_OF_ART": 0xf0d0ff, "LAW": 0xff8197, "LANGUAGE": 0xff8197,
	"DATE": 0xbfe1d9, "TIME": 0xbfe1d9, "PERCENT": 0xe4e7d2, "MONEY": 0xe4e7d2, "QUANTITY": 0xe4e7d2,
	"ORDINAL": 0xe4e7d2, "CARDINAL": 0xe4e7d2,
	// labels that only prose has
	"LOCATION": 0xff9561, "FACILITY": 0x9cc9cc, "ORGANIZATION": 0x7aecec,
}

const otherColor rgb = 0xdddddd

type rgb uint32

// palette says which colours narwhal uses on a terminal.
type palette int

const (
	noColor palette = iota
	colors256
	trueColor
)

// newPalette reads the environment: no colours with NO_COLOR or TERM=dumb, 16 million with
// COLORTERM=truecolor, and 256 otherwise.
func newPalette(getenv func(string) string) palette {
	if getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return noColor
	}
	switch getenv("COLORTERM") {
	case "truecolor", "24bit":
		return trueColor
	}
	return colors256
}

// on returns the escape sequence that begins black text on a colour. It uses black
// number 16 of the 256 colours, because a terminal's theme can change number 0.
func (p palette) on(c rgb) string {
	if p == trueColor {
		return fmt.Sprintf("\x1b[38;5;16;48;2;%d;%d;%dm", c>>16, c>>8&0xff, c&0xff)
	}
	return fmt.Sprintf("\x1b[38;5;16;48;5;%dm", 16+36*cube(c>>16)+6*cube(c>>8&0xff)+cube(c&0xff))
}

// cube returns the number of the level nearest to v: 0 to 5 stand for 0, 95, 135, 175,
// 215 and 255.
func cube(v rgb) rgb {
	switch {
	case v < 48:
		return 0
	case v < 115:
		return 1
	}
	return (v - 35) / 40
}

// printMarked returns a printer that writes a text and marks the entities in it, each
// with its label: in colour, as displaCy does, or as [Tim Cook PERSON]. If names is set,
// it writes the file's name before the text.
func printMarked(p palette, names bool) printer {
	return func(w io.Writer, a answer, found []ner.Entity) error {
		var b strings.Builder
		if names && a.Title != "" {
			fmt.Fprintf(&b, "==> %s <==\n", visible(a.Title))
		}
		at := 0
		for _, e := range found {
			b.WriteString(visible(a.Text[at:e.Start]))
			p.mark(&b, e)
			at = e.End
		}
		b.WriteString(visible(a.Text[at:]))
		if !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

// mark writes an entity with its label.
func (p palette) mark(b *strings.Builder, e ner.Entity) {
	if p == noColor {
		fmt.Fprintf(b, "[%s %s]", visible(e.Text), visible(e.Label))
		return
	}
	c, ok := labelColors[e.Label]
	if !ok {
		c = otherColor
	}
	on, off := p.on(c), "\x1b[0m"
	// Switch the colour off at the end of a line, or it would fill the rest of the line.
	text := strings.ReplaceAll(visible(e.Text), "\n", off+"\n"+on)
	fmt.Fprintf(b, "%s %s \x1b[1m%s %s", on, text, visible(e.Label), off)
}

// visible replaces control characters, because a terminal would obey them, and the text may
// come from anybody. Those of ASCII become their pictures in Unicode (U+2400 and following),
// others U+FFFD. Newlines and tabs stay.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20:
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r >= 0x80 && r < 0xa0:
			return 0xfffd
		}
		return r
	}, s)
}
