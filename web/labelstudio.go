package web

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// The machine learning backend of Label Studio: it pre-annotates the texts of a project.
// labelstudio_config.go reads which tags of the project the annotations belong to.

// labelStudioHealth answers GET /health.
func (s *server) labelStudioHealth(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	return r.marshal(struct {
		Status string `json:"status"`
		Model  string `json:"model_class"`
	}{"UP", s.models[0].name})
}

// labelStudioSetup answers POST /setup, which Label Studio sends before it asks for
// predictions. Label Studio keeps a prediction until the model version changes.
func (s *server) labelStudioSetup(r *request) error {
	if _, f := s.object(r); f != nil {
		return f.anyObject()
	}
	return r.marshal(struct {
		Version string `json:"model_version"`
	}{s.models[0].ID})
}

// labelStudioWebhook answers POST /webhook, by which Label Studio tells of annotations. It
// ignores them. It refuses to train.
func (s *server) labelStudioWebhook(r *request) error {
	o, f := s.object(r)
	if f != nil {
		return f.anyObject()
	}
	var action *string
	if err := json.Unmarshal(o.Get("action"), &action); err != nil || action == nil {
		return invalid("the body has no `action` that is a string", hintBody)
	}
	if *action == "START_TRAINING" {
		return invalid("this service does not train", "train with spaCy, and have the server started with --model and the new pipeline")
	}
	r.json([]byte(`{"status":"ignored"}`))
	return nil
}

// labelStudioPredict answers POST /predict: a prediction for each task, in their order. A
// task with a fault costs the whole request, because the answer has no place for an error.
func (s *server) labelStudioPredict(r *request) error {
	o, f := s.object(r)
	if f != nil {
		return f.anyObject()
	}
	var written string
	if err := json.Unmarshal(o.Get("label_config"), &written); err != nil {
		return invalid("the body has no `label_config`", hintBody)
	}
	config, err := readLabelConfig(written)
	if err != nil {
		return invalid("`label_config` cannot be used: "+err.Error(), hintLabelConfig)
	}
	texts, f := taskTexts(o.Get("tasks"), config.value)
	if f != nil {
		return f
	}
	results, err := s.recognize(r, s.models[0], texts, include{})
	if err != nil {
		return err
	}
	b := []byte(`{"results":[`)
	for i, result := range results {
		if result.fault != nil {
			return result.fault.about(textName(taskName(i), config.value))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"model_version":`...)
		b = textjson.AppendString(b, s.models[0].ID)
		b = append(b, `,"result":`...)
		b = config.appendRegions(b, result.doc.Ents)
		b = append(b, '}')
	}
	r.json(append(b, "]}"...))
	return nil
}

// taskTexts returns the texts of tasks, which are in their data by this name. Their number
// is not limited: Label Studio sends all tasks of a project that have no prediction, and
// nobody can divide its requests.
func taskTexts(tasks []byte, name string) ([]string, *failure) {
	if tasks == nil || tasks[0] != '[' {
		return nil, invalid("the body has no list `tasks`", hintBody)
	}
	var texts []string
	for value := range textjson.Elements(tasks) {
		task := taskName(len(texts))
		fields, fault := textjson.Read(value)
		if fault != nil {
			return nil, invalid("`"+task+"` is "+textjson.TypeOf(value)+", want an object", hintBody)
		}
		data, fault := dataOf(fields)
		if fault != nil {
			return nil, invalid("`"+task+"` has no object `data`", hintBody)
		}
		text := data.Get(name)
		switch {
		case text == nil:
			return nil, invalid(fmt.Sprintf("the `data` of `%s` has no %.64q", task, name), "the value of the Text tag in the labeling configuration names the text in the data")
		case text[0] != '"':
			return nil, invalid(fmt.Sprintf("%.64q in the `data` of `%s` is %s, want a string", name, task, textjson.TypeOf(text)), "import the texts as strings")
		}
		_, s, fault := textjson.Item(text)
		if fault != nil {
			return nil, noText(fault).about(textName(task, name))
		}
		texts = append(texts, s)
	}
	return texts, nil
}

// dataOf returns the data of a task.
func dataOf(task textjson.Object) (textjson.Object, *textjson.Fault) {
	if data := task.Get("data"); data != nil {
		return textjson.Read(data)
	}
	return nil, &textjson.Fault{Kind: textjson.NotObject}
}

func taskName(i int) string { return "tasks[" + strconv.Itoa(i) + "]" }

func textName(task, name string) string { return fmt.Sprintf("%s.data.%.64s", task, name) }

// appendRegions appends entities as the regions of a prediction. start and end count code
// points: so does the editor of Label Studio, which converts them to JavaScript's code
// units itself.
func (c *labelConfig) appendRegions(b []byte, ents []ner.Entity) []byte {
	b = append(b, '[')
	first := true
	for _, e := range ents {
		label, ok := c.label(e.Label)
		if !ok {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"from_name":`...)
		b = textjson.AppendString(b, c.from)
		b = append(b, `,"to_name":`...)
		b = textjson.AppendString(b, c.to)
		b = append(b, `,"type":"labels","value":{"start":`...)
		b = strconv.AppendInt(b, int64(e.RuneStart), 10)
		b = append(b, `,"end":`...)
		b = strconv.AppendInt(b, int64(e.RuneEnd), 10)
		b = append(b, `,"text":`...)
		b = textjson.AppendString(b, e.Text)
		b = append(b, `,"labels":[`...)
		b = textjson.AppendString(b, label)
		b = append(b, `]}}`...)
	}
	return append(b, ']')
}
