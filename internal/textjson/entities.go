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
// An entity that a rule with an id has found also has the key "ent_id" with this id.
//
// AppendEnts escapes what AppendString escapes, and also U+2028 and U+2029, which some
// programs take for the end of a line.
func AppendEnts(b []byte, text string, entities []ner.Entity, unit Unit) []byte {
	return AppendEntsWithTokens(b, text, entities, nil, unit)
}

// AppendEntsWithTokens does what AppendEnts does, and also appends the tokens of each
// entity, as in spaCy's Span: tokens[i] are those of entities[i]. If tokens is nil, it does
// the same as AppendEnts.
//
//	[{"text":"Ada","label":"PERSON","start":3,"end":6,"start_token":1,"end_token":2}]
func AppendEntsWithTokens(b []byte, text string, entities []ner.Entity, tokens []ner.Span, unit Unit) []byte {
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
		b = append(b, ',')
		b = appendRange(b, "start", at.of(e.Start, e.RuneStart), "end", at.of(e.End, e.RuneEnd))
		if tokens != nil {
			b = append(b, ',')
			b = appendRange(b, "start_token", tokens[i].Start, "end_token", tokens[i].End)
		}
		if e.ID != "" {
			b = append(b, `,"ent_id":`...)
			b = appendOneLine(b, e.ID)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// AppendTokens appends a JSON array of the tokens of a text, with the wanted annotations of
// each token under the keys of spaCy's Doc.to_json. start and end count units.
//
//	[{"start":0,"end":3,"lemma":"Ada"},{"start":4,"end":8,"lemma":"run"}]
func AppendTokens(b []byte, text string, doc *ner.Doc, want ner.Want, unit Unit) []byte {
	at := offsets{text: text, unit: unit}
	b = append(b, '[')
	for i := range doc.Tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = at.append(b, &doc.Tokens[i], &doc.Tokens[i])
		if want &= ner.Annotations; want != 0 {
			b = appendAnnotation(b, &doc.Annotations[i], want)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendAnnotation appends the wanted fields of an annotation.
func appendAnnotation(b []byte, a *ner.Annotation, want ner.Want) []byte {
	for _, f := range []struct {
		want  ner.Want
		key   string
		value string
	}{
		{ner.Tag, `,"tag":`, a.Tag}, {ner.Pos, `,"pos":`, a.Pos}, {ner.Morph, `,"morph":`, a.Morph},
		{ner.Lemma, `,"lemma":`, a.Lemma}, {ner.Dep, `,"dep":`, a.Dep},
	} {
		if want&f.want != 0 {
			b = append(b, f.key...)
			b = appendOneLine(b, f.value)
		}
	}
	if want&ner.Dep != 0 {
		b = append(b, `,"head":`...)
		b = strconv.AppendInt(b, int64(a.Head), 10)
	}
	return b
}

// AppendDoc appends a JSON object with all that was found in a text, which has the keys and
// values of spaCy's Doc.to_json. doc is that of ner.Whole.
//
//	{"text":"Ada runs","ents":[{"start":0,"end":3,"label":"PERSON"}],"sents":[{"start":0,"end":8}],"tokens":[{"id":0,"start":0,"end":3,"tag":"NNP"},…]}
func AppendDoc(b []byte, text string, doc *ner.Doc) []byte {
	b = appendOneLine(append(b, `{"text":`...), text)
	b = append(b, `,"ents":[`...)
	for i, e := range doc.Ents {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendRange(b, "start", e.RuneStart, "end", e.RuneEnd)
		b = appendOneLine(append(b, `,"label":`...), e.Label)
		b = append(b, '}')
	}
	b = append(b, ']')
	if doc.Has&ner.Sents != 0 {
		b = AppendSpans(append(b, `,"sents":`...), text, doc, doc.Sents, CodePoint)
	}
	b = append(b, `,"tokens":[`...)
	for i := range doc.Tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"id":`...), int64(i), 10)
		b = append(b, ',')
		b = appendRange(b, "start", doc.Tokens[i].RuneStart, "end", doc.Tokens[i].RuneEnd)
		b = appendAnnotation(b, &doc.Annotations[i], doc.Has)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// AppendSpans appends a JSON array of parts of a doc, such as its sentences, in the form of
// AppendTokens. A part goes from the start of its first token to the end of its last one.
func AppendSpans(b []byte, text string, doc *ner.Doc, spans []ner.Span, unit Unit) []byte {
	at := offsets{text: text, unit: unit}
	b = append(b, '[')
	for i, s := range spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = at.append(b, &doc.Tokens[s.Start], &doc.Tokens[s.End-1])
		b = append(b, '}')
	}
	return append(b, ']')
}

// append appends the offsets of a part of the text, from its first token to its last one.
func (o *offsets) append(b []byte, first, last *ner.Token) []byte {
	return appendRange(b, "start", o.of(first.Start, first.RuneStart), "end", o.of(last.End, last.RuneEnd))
}

// appendRange appends two fields of an object.
func appendRange(b []byte, startName string, start int, endName string, end int) []byte {
	b = append(b, '"')
	b = append(b, startName...)
	b = append(b, `":`...)
	b = strconv.AppendInt(b, int64(start), 10)
	b = append(b, `,"`...)
	b = append(b, endName...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, int64(end), 10)
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
