package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// decode returns the JSON object that a request body is. A key that is there several
// times has its last value, as in Python. As in Python, too, there may be the numbers
// NaN, Infinity and -Infinity.
func decode(body []byte) (textjson.Object, *failure) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if err := textjson.CheckUTF8(body); err != nil {
		return nil, &failure{400, "invalid_json", "the body is " + err.Error(), "encode the JSON as UTF-8"}
	}
	body = bytes.Trim(body, " \t\r\n")
	if len(body) == 0 {
		return nil, errEmpty
	}
	object, fault := textjson.ReadPython(body)
	if fault != nil {
		return nil, noText(fault)
	}
	return object, nil
}

// textOf returns the text of an object, {"text": "…"}. Other keys are ignored.
func textOf(object textjson.Object) (string, *failure) {
	text, fault := object.Text()
	if fault != nil {
		return "", noText(fault)
	}
	return text, nil
}

// noText says why the body has no text, and what to do.
func noText(fault *textjson.Fault) *failure {
	f := &failure{422, "invalid_request", "", hintBody}
	switch fault.Kind {
	case textjson.NotJSON:
		return notJSON(fault.Err)
	case textjson.NotObject:
		f.message = "the body is " + fault.Type + `, want an object with a "text"`
	case textjson.NoText:
		f.message = "the body has no `text`"
		if fault.Like != "" {
			f.message += ", but " + strconv.Quote(fault.Like)
			f.hint = "did you mean `text`? " + hintBody
		}
	case textjson.NotString:
		f.message = "`text` is " + fault.Type + ", want a string"
	case textjson.HalfSurrogate:
		f.message = "`text` has " + fault.Escape + ", half of a surrogate pair, which is no character"
		f.hint = "escape a character beyond U+FFFF with both halves (\\ud83d\\ude00), or send it as it is in UTF-8"
	}
	return f
}

func notJSON(err error) *failure {
	message := "the body is not JSON: " + err.Error()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		message += fmt.Sprintf(" (byte %d)", syntax.Offset)
	}
	return &failure{400, "invalid_json", message, hintBody}
}
