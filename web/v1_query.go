package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// mostTexts is how many texts one request of /v1/entities may have.
const mostTexts = 256

// query is the body of a request of /v1/entities:
//
//	{"text": "…", "labels": ["ORG"], "offsets": "codepoint"}
//	{"texts": ["…", {"id": 7, "text": "…"}], "include": ["sents", "tokens"], "model": "prose"}
type query struct {
	model   *model
	items   []item
	several bool            // the texts were a list
	labels  map[string]bool // the labels that are wanted; nil: all
	include include
	offsets textjson.Unit
}

// item is one text of a query.
type item struct {
	id    []byte // as it was written, JSON; nil: none
	text  string
	fault *failure // why there is no text
}

// queryFields are the fields that a query may have.
var queryFields = []string{"text", "texts", "labels", "include", "offsets", "model"}

// readQuery reads the body of a request. Other fields than those of a query are an
// error: a misspelt one would change the answer without a word.
func (s *server) readQuery(r *request) (*query, *failure) {
	o, f := s.object(r)
	if f != nil {
		return nil, f
	}
	text, texts := o.Get("text"), o.Get("texts")
	switch {
	case text != nil && texts != nil:
		return nil, invalid("the body has both `text` and `texts`", "send one of them")
	case text == nil && texts == nil:
		_, fault := o.Text()
		f := noText(fault)
		f.message = strings.Replace(f.message, "no `text`", "neither `text` nor `texts`", 1)
		return nil, f
	}
	q := &query{several: texts != nil}
	for _, field := range o {
		if !slices.Contains(queryFields, field.Name) {
			return nil, invalid(fmt.Sprintf("there is no field %.64q", field.Name), "the fields are "+strings.Join(queryFields, ", "))
		}
	}
	if q.model, f = s.modelOf(o.Get("model")); f != nil {
		return nil, f
	}
	if q.labels, f = labelsOf(o.Get("labels")); f != nil {
		return nil, f
	}
	if q.include, f = q.model.includeOf(o.Get("include")); f != nil {
		return nil, f
	}
	if q.offsets, f = unitOf(o.Get("offsets")); f != nil {
		return nil, f
	}
	if !q.several {
		text, fault := o.Text()
		if fault != nil {
			return nil, noText(fault)
		}
		q.items = []item{{text: text}}
		return q, nil
	}
	if texts[0] != '[' {
		return nil, invalid("`texts` is "+textjson.TypeOf(texts)+", want an array", itemHint)
	}
	for value := range textjson.Elements(texts) {
		if len(q.items) == mostTexts {
			return nil, invalid(fmt.Sprintf("`texts` has more than %d items", mostTexts), "send them in several requests")
		}
		id, text, fault := textjson.Item(value)
		it := item{id: id, text: text}
		if fault != nil {
			it.fault = itemFault("`texts["+strconv.Itoa(len(q.items))+"]`", fault)
		}
		q.items = append(q.items, it)
	}
	return q, nil
}

const itemHint = `an item of texts is a string or {"id": …, "text": "…"}`

func invalid(message, hint string) *failure { return &failure{422, "invalid_request", message, hint} }

// itemFault says why an item has no text. where names the item.
func itemFault(where string, fault *textjson.Fault) *failure {
	switch fault.Kind {
	case textjson.NotItem:
		return invalid(where+" is "+fault.Type+", want a string or an object", itemHint)
	case textjson.NoText:
		return invalid(where+" has no `text`", itemHint)
	case textjson.NotString:
		return invalid("the `text` of "+where+" is "+fault.Type+", want a string", itemHint)
	}
	f := noText(fault)
	f.message = strings.Replace(f.message, "`text`", where, 1)
	return f
}

// labelsOf reads the labels that are wanted. nil means all.
func labelsOf(value []byte) (map[string]bool, *failure) {
	if value == nil {
		return nil, nil
	}
	var list []*string // a pointer, because Unmarshal takes null for a string
	if err := json.Unmarshal(value, &list); err != nil || value[0] != '[' || slices.Contains(list, nil) {
		return nil, invalid("`labels` is not a list of strings", `for example "labels": ["PERSON", "ORG"]; without it all labels are answered`)
	}
	labels := make(map[string]bool, len(list))
	for _, l := range list {
		labels[*l] = true
	}
	return labels, nil
}

// units are the names of what start and end may count.
var units = map[string]textjson.Unit{"codepoint": textjson.CodePoint, "utf8": textjson.UTF8, "utf16": textjson.UTF16}

// unitOf reads what start and end count: code points if nothing is said.
func unitOf(value []byte) (textjson.Unit, *failure) {
	if value == nil {
		return textjson.CodePoint, nil
	}
	var name string
	err := json.Unmarshal(value, &name)
	unit, ok := units[name]
	if err != nil || !ok {
		return 0, invalid(fmt.Sprintf("`offsets` is %.40s, want \"codepoint\", \"utf8\" or \"utf16\"", value),
			"codepoint is what Python counts, utf8 what Go and Rust count, utf16 what JavaScript and Java count")
	}
	return unit, nil
}
