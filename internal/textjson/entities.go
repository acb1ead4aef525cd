package textjson

import (
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
)

// AppendLabels appends a JSON object that maps the text of each entity to its label, in the
// order in which the texts first appear. A text that appears again keeps its place and gets
// its last label, as with Python's
//
//	{ent.text: ent.label_ for ent in doc.ents}
//
// Strings are written as AppendString writes them.
func AppendLabels(b []byte, entities []ner.Entity) []byte {
	type pair struct{ text, label string }
	pairs := make([]pair, 0, len(entities))
	place := make(map[string]int, len(entities))
	for _, e := range entities {
		if i, ok := place[e.Text]; ok {
			pairs[i].label = e.Label
			continue
		}
		place[e.Text] = len(pairs)
		pairs = append(pairs, pair{e.Text, e.Label})
	}
	b = append(b, '{')
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, p.text)
		b = append(b, ':')
		b = AppendString(b, p.label)
	}
	return append(b, '}')
}

// Unit is what offsets in a text count.
type Unit int

const (
	CodePoint Unit = iota // Unicode code points, as Python and spaCy
	UTF8                  // bytes of UTF-8, as Go and Rust
	UTF16                 // code units of UTF-16, as JavaScript and Java
)

// AppendEnts appends a JSON array of all entities of a text, in the form that displaCy
// takes, with the text of each entity. start and end count units. The entities are in the
// order of the text and do not overlap.
//
//	[{"text":"Ada","label":"PERSON","start":3,"end":6}]
//
// AppendEnts escapes what AppendString escapes, and also U+2028 and U+2029, which some
// programs take for the end of a line.
func AppendEnts(b []byte, text string, entities []ner.Entity, unit Unit) []byte {
	at := offsets{text: text, unit: unit}
	b = append(b, '[')
	for i, e := range entities {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"text":`...)
		b = appendOneLine(b, e.Text)
		b = append(b, `,"label":`...)
		b = appendOneLine(b, e.Label)
		b = append(b, `,"start":`...)
		b = strconv.AppendInt(b, int64(at.of(e.Start, e.RuneStart)), 10)
		b = append(b, `,"end":`...)
		b = strconv.AppendInt(b, int64(at.of(e.End, e.RuneEnd)), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// offsets turns offsets of a text, each larger than the one before, into a unit.
type offsets struct {
	text   string
	unit   Unit
	byte   int // of the last offset
	beyond int // code points above U+FFFF before it, which have two code units of UTF-16
}

// of returns the offset at a byte and a code point of the text.
func (o *offsets) of(byte, codePoint int) int {
	switch o.unit {
	case UTF8:
		return byte
	case UTF16:
		for _, r := range o.text[o.byte:byte] {
			if r > 0xffff {
				o.beyond++
			}
		}
		o.byte = byte
		return codePoint + o.beyond
	}
	return codePoint
}

// AppendString appends s as a JSON string, with the same bytes as Python's
// json.dumps(s, ensure_ascii=False), which Starlette's JSONResponse uses. It escapes less
// than encoding/json: not <, > and &, and not U+2028 and U+2029. s must be UTF-8.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// lineEnds escapes U+2028 and U+2029, which AppendString does not escape.
var lineEnds = strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`)

// appendOneLine does what AppendString does, and also escapes U+2028 and U+2029.
func appendOneLine(b []byte, s string) []byte {
	if !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029") {
		return AppendString(b, s)
	}
	return append(b, lineEnds.Replace(string(AppendString(nil, s)))...)
}
