package main

import (
	"bytes"
	"context"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// line is one line of the input on its way.
type line struct {
	where string // for errors: "line 3", "a.jsonl, line 3"
	raw   []byte
	long  bool // longer than maxLine, and cut

	done chan struct{} // closed when out is there
	out  []byte
	bad  bool
	err  error // ends the run
}

// answer fills out.
func (l *line) answer(ctx context.Context, rec ner.Recognizer) {
	fields, text, fail := l.text()
	if fail == nil {
		found, err := rec.Entities(ctx, text)
		if err == nil {
			own := append(textjson.AppendEnts([]byte(`{"ents":`), found), '}')
			l.out, l.err = joinFields(fields, own, "ents")
			return
		}
		if ctx.Err() != nil {
			l.err = err
			return
		}
		fail = &errorbody.Body{Message: err.Error(), Type: "invalid_request", Hint: "send the text in parts"}
	}
	fail.Message = l.where + ": " + fail.Message
	l.bad = true
	l.out, l.err = joinFields(fields, fail.Append(nil), "error", "error_type", "hint")
}

const lineHint = `each line is an object with a text: {"text": "Tim Cook visited Paris"}`

// text takes the text out of the line, and the fields of the object. If the line is
// no object it has no fields.
func (l *line) text() (textjson.Object, string, *errorbody.Body) {
	if l.long {
		return nil, "", &errorbody.Body{Message: "the line is longer than any text may be", Type: "invalid_request", Hint: "send the text in parts"}
	}
	if err := textjson.CheckUTF8(l.raw); err != nil {
		return nil, "", &errorbody.Body{Message: "the line is " + err.Error(), Type: "invalid_json", Hint: "JSON is UTF-8"}
	}
	if len(bytes.TrimSpace(l.raw)) == 0 {
		return nil, "", &errorbody.Body{Message: "the line is empty", Type: "invalid_json", Hint: lineHint}
	}
	object, fault := textjson.Read(l.raw)
	if fault != nil {
		return nil, "", noText(fault)
	}
	text, fault := object.Text()
	if fault != nil {
		return object, "", noText(fault)
	}
	return object, text, nil
}

// noText words why a line has no text.
func noText(fault *textjson.Fault) *errorbody.Body {
	b := &errorbody.Body{Type: "invalid_request", Hint: lineHint}
	switch fault.Kind {
	case textjson.NotJSON:
		b.Type, b.Message = "invalid_json", "not JSON: "+fault.Err.Error()
	case textjson.NotObject:
		b.Type, b.Message = "invalid_json", "not a JSON object"
	case textjson.NoText:
		b.Message = "the object has no text"
	case textjson.NotString:
		b.Message = "text is not a string"
	case textjson.HalfSurrogate:
		b.Message = "text has half of a surrogate pair, which is no character"
		b.Hint = `escape a character beyond U+FFFF with both halves (\ud83d\ude00), or send it as it is in UTF-8`
	}
	return b
}
