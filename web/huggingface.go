package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// aggregationStrategies are the ways in which Hugging Face joins the pieces of words to
// groups. An entity of spaCy is a whole group, so all of them give the same.
var aggregationStrategies = []string{"simple", "first", "average", "max"}

// tokenClassification answers POST / with {"inputs": …}: the entities as Hugging Face's
// token classification answers them. inputs is a text, or a list of texts, which is
// answered with a list of answers. A text with a fault costs the whole request, because the
// answer has no place for an error.
func (s *server) tokenClassification(r *request, inputs []byte, o textjson.Object) error {
	texts, f := inputTexts(inputs)
	if f != nil {
		return f
	}
	ignored, f := ignoredLabels(o.Get("parameters"))
	if f != nil {
		return f
	}
	results, err := s.recognize(r, s.models[0], texts, include{})
	if err != nil {
		return err
	}
	several := inputs[0] == '['
	var b []byte
	if several {
		b = append(b, '[')
	}
	for i, result := range results {
		if result.fault != nil {
			return result.fault.about(inputName(i, several))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendGroups(b, result.doc.Ents, ignored)
	}
	if several {
		b = append(b, ']')
	}
	r.Response.Header.Set("X-Score", "constant") // every score is 1.0
	r.json(b)
	return nil
}

// appendGroups appends entities as Hugging Face writes groups of tokens. The form demands a
// score. The model has none, so it is always 1.0.
func appendGroups(b []byte, ents []ner.Entity, ignored map[string]bool) []byte {
	b = append(b, '[')
	first := true
	for _, e := range ents {
		if ignored[e.Label] {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"entity_group":`...)
		b = textjson.AppendString(b, e.Label)
		b = append(b, `,"score":1.0,"word":`...)
		b = textjson.AppendString(b, e.Text)
		b = append(b, `,"start":`...)
		b = strconv.AppendInt(b, int64(e.RuneStart), 10)
		b = append(b, `,"end":`...)
		b = strconv.AppendInt(b, int64(e.RuneEnd), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// inputTexts returns the texts of inputs: one, or those of a list.
func inputTexts(inputs []byte) ([]string, *failure) {
	switch inputs[0] {
	case '"':
		_, text, fault := textjson.Item(inputs)
		if fault != nil {
			return nil, noText(fault).about("inputs")
		}
		return []string{text}, nil
	case '[':
	default:
		return nil, invalid("`inputs` is "+textjson.TypeOf(inputs)+", want a string or an array of strings", hintInputs)
	}
	var texts []string
	for value := range textjson.Elements(inputs) {
		i := len(texts)
		switch {
		case i == mostTexts:
			return nil, invalid(fmt.Sprintf("`inputs` has more than %d items", mostTexts), "send them in several requests")
		case value[0] != '"':
			return nil, invalid("`"+inputName(i, true)+"` is "+textjson.TypeOf(value)+", want a string", hintInputs)
		}
		_, text, fault := textjson.Item(value)
		if fault != nil {
			return nil, noText(fault).about(inputName(i, true))
		}
		texts = append(texts, text)
	}
	return texts, nil
}

const hintInputs = `for example {"inputs": "Angela Merkel was born in Hamburg."}`

func inputName(i int, several bool) string {
	if !several {
		return "inputs"
	}
	return "inputs[" + strconv.Itoa(i) + "]"
}

// ignoredLabels reads the parameters of a token classification, and returns the labels that
// are not wanted. stride, the overlap of the pieces of a long text, changes nothing: the
// model reads a text whole.
func ignoredLabels(parameters []byte) (map[string]bool, *failure) {
	if parameters == nil || string(parameters) == "null" {
		return nil, nil
	}
	o, fault := textjson.Read(parameters)
	if fault != nil {
		return nil, invalid("`parameters` is "+textjson.TypeOf(parameters)+", want an object", hintParameters)
	}
	var ignored map[string]bool
	for _, field := range o {
		switch field.Name {
		case "stride":
		case "aggregation_strategy":
			if f := aggregationStrategy(field.Value); f != nil {
				return nil, f
			}
		case "ignore_labels":
			var list []*string // a pointer, because Unmarshal takes null for a string
			if json.Unmarshal(field.Value, &list) != nil || slices.Contains(list, nil) {
				return nil, invalid("`ignore_labels` is not a list of strings", `for example "ignore_labels": ["DATE", "CARDINAL"]`)
			}
			ignored = make(map[string]bool, len(list))
			for _, l := range list {
				ignored[*l] = true
			}
		default:
			return nil, invalid(fmt.Sprintf("there is no parameter %.64q", field.Name), hintParameters)
		}
	}
	return ignored, nil
}

const hintParameters = "the parameters are aggregation_strategy, ignore_labels, stride"

// aggregationStrategy returns nil for a strategy that gives groups.
func aggregationStrategy(value []byte) *failure {
	var name *string
	if json.Unmarshal(value, &name) == nil {
		if name == nil {
			return nil
		}
		for _, known := range aggregationStrategies {
			if *name == known {
				return nil
			}
		}
		if *name == "none" {
			return invalid("`aggregation_strategy` is \"none\", which asks for a label of every token, and this model has only whole entities",
				"leave it out, or use \"simple\"")
		}
	}
	return invalid(fmt.Sprintf("`aggregation_strategy` is %.40s, want one of %s", value, strings.Join(aggregationStrategies, ", ")), "leave it out, or use \"simple\"")
}
