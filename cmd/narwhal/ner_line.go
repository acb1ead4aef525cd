package main

import (
	"bytes"
	"context"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// line is one line of the input on its way from the reader to the writer.
type line struct {
	where string // for errors: "line 3", "a.jsonl, line 3"
	raw   []byte
	long  bool // longer than maxLine, and cut

	done chan struct{} // closed when the fields below are set
	out  []byte
	bad  bool
	err  error // ends the run
}

// answer finds the entities of the line's text and sets the fields of l: out is the line
// to write, with its entities or with an error. With an error bad is true. If err is set,
// there is no out.
func (l *line) answer(ctx context.Context, rec ner.Recognizer) {
	fields, text, fail := l.text()
	if fail == nil {
		found, err := rec.Entities(ctx, text)
		if err == nil {
			own := append(textjson.AppendEnts([]byte(`{"ents":`), text, found, textjson.CodePoint), '}')
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

// text returns the fields of the line's object and its text, or what is wrong with the
// line. There are no fields if the line is not an object.
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

// noText says why a line has no text, and what to do.
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
