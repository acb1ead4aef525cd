package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// headerLength is the field that says how many bytes of the body are JSON. The tensors in
// binary form follow the JSON. A body without the field is JSON only.
const headerLength = "Inference-Header-Content-Length"

// inference is the body of a request for an inference.
type inference struct {
	id     []byte // as it was written, JSON; nil: none
	items  []item
	shape  []byte // as it was written, JSON
	binary bool   // the output is wanted in binary form
}

// oipInfer answers POST /v2/models/{name}/infer.
func (s *server) oipInfer(r *request) (err error) {
	m, f := s.oipModel(r)
	if f != nil {
		return f
	}
	start, texts := time.Now(), 0
	defer func() { m.infers.add(start, texts, err) }()
	q, f := s.readInference(r)
	if f != nil {
		return f
	}
	documents, err := s.oipDocuments(r, m, q.items)
	if err != nil {
		return err
	}
	texts = len(documents)

	b := append([]byte(`{"model_name":`), textjson.AppendString(nil, m.name)...)
	b = append(b, `,"model_version":`...)
	b = textjson.AppendString(b, m.version)
	if q.id != nil {
		b = append(b, `,"id":`...)
		b = append(b, q.id...)
	}
	b = append(b, `,"outputs":[{"name":"`+oipOutput+`","datatype":"BYTES","shape":`...)
	b = append(b, q.shape...)
	if q.binary {
		tensor := appendBytesTensor(nil, documents)
		b = append(b, `,"parameters":{"binary_data_size":`...)
		b = strconv.AppendInt(b, int64(len(tensor)), 10)
		b = append(b, `}}]}`...)
		r.Response.Header.Set(headerLength, strconv.Itoa(len(b)))
		r.Response.Header.SetContentType("application/octet-stream")
		r.Response.SetBodyRaw(append(b, tensor...))
		return nil
	}
	b = append(b, `,"data":[`...)
	for i, d := range documents {
		if i > 0 {
			b = append(b, ',')
		}
		b = textjson.AppendString(b, string(d))
	}
	r.json(append(b, `]}]}`...))
	return nil
}

// oipDocuments returns the JSON that /v1/entities answers for each item.
func (s *server) oipDocuments(r *request, m *model, items []item) ([][]byte, error) {
	q := &query{model: m, items: items, several: true}
	results, err := s.resultsOf(r, q)
	if err != nil {
		return nil, err
	}
	documents := make([][]byte, len(items))
	for i, it := range items {
		documents[i] = q.appendResult(nil, it, results[i])
	}
	return documents, nil
}

// readInference reads the body of a request. A body or a tensor that has not the form of
// the protocol is answered 400, as Triton does. A text with a fault costs only its own
// element.
func (s *server) readInference(r *request) (*inference, *failure) {
	body, f := s.uncompressed(r)
	if f != nil {
		return nil, f
	}
	var tensors []byte
	if length := r.Request.Header.Peek(headerLength); length != nil {
		n, err := strconv.Atoi(string(length))
		if err != nil || n < 0 || n > len(body) {
			return nil, badInference(fmt.Sprintf("%s is %.40q, want at most the %d bytes of the body", headerLength, length, len(body)),
				"it is the number of bytes of JSON before the tensors, as they are before they are compressed")
		}
		body, tensors = body[:n], body[n:]
	}
	o, f := decode(body)
	if f != nil {
		g := *f
		g.status = 400
		return nil, g.anyObject()
	}
	q := &inference{id: o.Get("id")}
	if q.id != nil && q.id[0] != '"' {
		return nil, badInference("`id` is "+textjson.TypeOf(q.id)+", want a string", hintBody)
	}
	if f := q.readInput(o.Get("inputs"), tensors); f != nil {
		return nil, f
	}
	return q, q.readOutputs(o)
}

// readInput reads the one input. tensors is the binary part of the body.
func (q *inference) readInput(inputs, tensors []byte) *failure {
	var list []struct {
		Name       string          `json:"name"`
		DataType   string          `json:"datatype"`
		Shape      []*int          `json:"shape"` // nil: a null, which is no number
		Data       json.RawMessage `json:"data"`
		Parameters struct {
			Size   *int             `json:"binary_data_size"`
			Region *json.RawMessage `json:"shared_memory_region"`
		} `json:"parameters"`
	}
	switch err := json.Unmarshal(inputs, &list); {
	case inputs == nil:
		return badInference("the body has no `inputs`", hintBody)
	case err != nil:
		return badInference("`inputs` is not a list of tensors: "+wrongField(err), hintBody)
	case len(list) != 1:
		return badInference(fmt.Sprintf("there are %d inputs, want one", len(list)), hintBody)
	}
	in := list[0]
	shape := make([]int, len(in.Shape))
	for i, n := range in.Shape {
		if n == nil {
			return badInference("the shape of `text` has null, want a number", "n is the number of texts")
		}
		shape[i] = *n
	}
	elements, ok := elementsOf(shape)
	switch {
	case in.Name != oipInput:
		return badInference(fmt.Sprintf("the input is %.64q, want %q", in.Name, oipInput), hintBody)
	case in.DataType != "BYTES":
		return badInference(fmt.Sprintf("the datatype of `text` is %.64q, want \"BYTES\"", in.DataType), "a text is an element of BYTES: its UTF-8")
	case !ok:
		return badInference(fmt.Sprintf("the shape of `text` is %v, want [n] or [n,1]", shape), "n is the number of texts")
	case elements > mostTexts:
		return badInference(fmt.Sprintf("`text` has %d elements, want at most %d", elements, mostTexts), "send them in several requests")
	case in.Parameters.Region != nil:
		return badInference("`text` is in shared memory, which this service cannot read", "send the texts in the body")
	}
	q.shape, _ = json.Marshal(in.Shape)
	var f *failure
	if size := in.Parameters.Size; size != nil {
		if *size != len(tensors) {
			return badInference(fmt.Sprintf("`binary_data_size` is %d, but %d bytes follow the JSON", *size, len(tensors)),
				headerLength+" is the number of bytes of JSON before the tensor")
		}
		q.items, f = readBytesTensor(tensors)
	} else {
		q.items, f = readJSONTensor(in.Data)
	}
	if f == nil && len(q.items) != elements {
		f = badInference(fmt.Sprintf("the shape of `text` is %v, but the number of elements is %d", shape, len(q.items)), "the shape says how many texts there are")
	}
	return f
}

// readOutputs reads which outputs are wanted, and in which form.
func (q *inference) readOutputs(o textjson.Object) *failure {
	var all struct {
		Binary bool `json:"binary_data_output"`
	}
	if p := o.Get("parameters"); p != nil {
		if err := json.Unmarshal(p, &all); err != nil {
			return badInference("`parameters` is not an object of parameters: "+wrongField(err), `for example "parameters": {"binary_data_output": true}`)
		}
	}
	q.binary = all.Binary
	outputs := o.Get("outputs")
	if outputs == nil {
		return nil
	}
	var list []struct {
		Name       string `json:"name"`
		Parameters struct {
			Binary  *bool            `json:"binary_data"`
			Region  *json.RawMessage `json:"shared_memory_region"`
			Classes *json.RawMessage `json:"classification"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal(outputs, &list); err != nil {
		return badInference("`outputs` is not a list of outputs: "+wrongField(err), `for example "outputs": [{"name": "entities"}]`)
	}
	for _, out := range list {
		switch {
		case out.Name != oipOutput:
			return badInference(fmt.Sprintf("there is no output %.64q", out.Name), "the output is `entities`")
		case out.Parameters.Region != nil || out.Parameters.Classes != nil:
			return badInference("the output is wanted in shared memory or as a classification, which this service does not do", "leave the parameters of the output out")
		case out.Parameters.Binary != nil:
			q.binary = *out.Parameters.Binary
		}
	}
	return nil
}

// wrongField says which value has a wrong type. err is an error of json.Unmarshal for JSON
// that is valid.
func wrongField(err error) string {
	wrong := (*json.UnmarshalTypeError)(nil)
	switch {
	case !errors.As(err, &wrong):
		return err.Error()
	case wrong.Field == "":
		return "it is or has a " + wrong.Value
	}
	return "a " + wrong.Field + " is a " + wrong.Value
}

func badInference(message, hint string) *failure {
	return &failure{400, "invalid_request", message, hint}
}
