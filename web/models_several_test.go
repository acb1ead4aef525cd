package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/ner"
)

// saysName is a recognizer that calls the whole text by its own name.
type saysName string

func (n saysName) Entities(_ context.Context, text string) ([]ner.Entity, error) {
	return []ner.Entity{{Text: text, Label: string(n), End: len(text), RuneEnd: len(text)}}, nil
}

func (n saysName) Labels() []string { return []string{string(n)} }

// serveSeveral starts a server with four models: two of them have the same name, and the
// last one has no version.
func serveSeveral(t *testing.T) *service {
	return serve(t, gate.Options{}, Options{Recognizer: saysName("DEFAULT"), ModelID: "en_x-1.0", More: []Model{
		{Recognizer: saysName("NEWER"), ID: "en_x-2.0"},
		{Recognizer: saysName("OTHER"), ID: "en_y-1.0", Describe: func() (ModelInfo, error) { return ModelInfo{Labels: []string{"GPE"}}, nil }},
		{Recognizer: saysName("PROSE"), ID: "prose"},
	}})
}

// post sends a body and returns the body of the answer, which must have this status.
func (s *service) post(t *testing.T, status int, path, body string) string {
	t.Helper()
	answer := s.dial(t).want(status, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
	_, body, _ = strings.Cut(answer, "\n\n")
	return strings.TrimSuffix(body, "\n")
}

const theModels = `"hint":"the models here are en_x-1.0, en_x-2.0, en_y-1.0, prose"`

// A request of /v1/entities names a model by its id or by its name. Without a name, the
// first model answers.
func TestEntitiesOfSeveralModels(t *testing.T) {
	s := serveSeveral(t)
	for asked, want := range map[string]string{
		``:                      `{"model":"en_x-1.0","ents":[{"text":"a","label":"DEFAULT","start":0,"end":1}]}`,
		`,"model":"en_x"`:       `{"model":"en_x-1.0","ents":[{"text":"a","label":"DEFAULT","start":0,"end":1}]}`,
		`,"model":"en_x-1.0"`:   `{"model":"en_x-1.0","ents":[{"text":"a","label":"DEFAULT","start":0,"end":1}]}`,
		`,"model":"en_x-2.0"`:   `{"model":"en_x-2.0","ents":[{"text":"a","label":"NEWER","start":0,"end":1}]}`,
		`,"model":"en_y"`:       `{"model":"en_y-1.0","ents":[{"text":"a","label":"OTHER","start":0,"end":1}]}`,
		`,"model":"prose"`:      `{"model":"prose","ents":[{"text":"a","label":"PROSE","start":0,"end":1}]}`,
		`,"model":"\u0070rose"`: `{"model":"prose","ents":[{"text":"a","label":"PROSE","start":0,"end":1}]}`,
	} {
		if got := s.post(t, 200, "/v1/entities", `{"text":"a"`+asked+`}`); got != want {
			t.Errorf("%s: answer %s, want %s", asked, got, want)
		}
	}
	want := `{"model":"en_y-1.0","results":[{"ents":[{"text":"a","label":"OTHER","start":0,"end":1}]},{"ents":[{"text":"b","label":"OTHER","start":0,"end":1}]}]}`
	if got := s.post(t, 200, "/v1/entities", `{"texts":["a","b"],"model":"en_y"}`); got != want {
		t.Errorf("texts: answer %s, want %s", got, want)
	}
	for _, asked := range []string{`"en"`, `"en_y-2.0"`, `""`} {
		got := s.post(t, 404, "/v1/entities", `{"text":"a","model":`+asked+`}`)
		if !strings.Contains(got, `"error_type":"not_found",`+theModels) {
			t.Errorf("model %s: answer %s", asked, got)
		}
	}
	for _, asked := range []string{`null`, `7`, `["en_x"]`} {
		got := s.post(t, 422, "/v1/entities", `{"text":"a","model":`+asked+`}`)
		if !strings.Contains(got, "`model` is ") {
			t.Errorf("model %s: answer %s", asked, got)
		}
	}
}

// The routes that cannot name a model use the first one.
func TestDefaultModel(t *testing.T) {
	s := serveSeveral(t)
	for _, c := range []struct{ path, body, want string }{
		{"/", `{"text":"a"}`, `{"a":"DEFAULT"}`},
		{"/", `{"text":"a","model":"en_y"}`, `{"a":"DEFAULT"}`}, // as before, / ignores other keys
		{"/", `{"inputs":"a"}`, `[{"entity_group":"DEFAULT","score":1.0,"word":"a","start":0,"end":1}]`},
		{"/setup", `{}`, `{"model_version":"en_x-1.0"}`},
	} {
		if got := s.post(t, 200, c.path, c.body); got != c.want {
			t.Errorf("%s %s: answer %s, want %s", c.path, c.body, got, c.want)
		}
	}
	if got := s.post(t, 200, "/predict", examplePredict); !strings.Contains(got, `"model_version":"en_x-1.0"`) {
		t.Errorf("/predict: answer %s", got)
	}
}

// All lines of a request have the model that its address names.
func TestLinesOfAModel(t *testing.T) {
	s := serveSeveral(t)
	for query, want := range map[string]string{"": "DEFAULT", "?model=en_y": "OTHER", "?offsets=utf8&model=" + url.QueryEscape("en_x-2.0"): "NEWER"} {
		resp, got := s.postLines(t, query, strings.NewReader("\"a\"\n\"b\""))
		if resp.StatusCode != 200 || strings.Count(got, `"label":"`+want+`"`) != 2 {
			t.Errorf("%s: status %d, answer %s, want %s twice", query, resp.StatusCode, got, want)
		}
	}
	resp, got := s.postLines(t, "?model=en", strings.NewReader(`"a"`))
	if resp.StatusCode != 404 || !strings.Contains(got, theModels) {
		t.Errorf("an unknown model: status %d, answer %s", resp.StatusCode, got)
	}
}

// GET /v1/models lists all models, the default one first.
func TestSeveralModelsAreDescribed(t *testing.T) {
	s := serveSeveral(t)
	const want = `{"models":[{"id":"en_x-1.0","labels":[]},{"id":"en_x-2.0","labels":[]},` +
		`{"id":"en_y-1.0","labels":[{"label":"GPE","description":"Countries, cities, states"}]},{"id":"prose","labels":[]}]}`
	if answer := s.dial(t).want(200, "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.Contains(answer, want) {
		t.Errorf("answer %s, want %s", answer, want)
	}
}

func TestModelsOfTheSameID(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); v != `web: More: two models have the id "m-1"` {
			t.Errorf("panic %v", v)
		}
	}()
	New(Options{Recognizer: fake{}, ModelID: "m-1", More: []Model{{Recognizer: fake{}, ID: "m-1"}}})
}

// getBody asks for a path and returns the body of the answer, which must have this status.
func (s *service) getBody(t *testing.T, status int, path string) string {
	t.Helper()
	_, body, _ := strings.Cut(s.dial(t).want(status, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"), "\n\n")
	return strings.TrimSuffix(body, "\n")
}

// The paths of the Open Inference Protocol name a model and, if they have one, its version.
// Without a version they mean the first model of that name.
func TestInferenceOfSeveralModels(t *testing.T) {
	s := serveSeveral(t)
	for path, want := range map[string]string{
		"/v2/models/en_x":              `"model_name":"en_x","model_version":"1.0" DEFAULT`,
		"/v2/models/en_x/versions/2.0": `"model_name":"en_x","model_version":"2.0" NEWER`,
		"/v2/models/en_y":              `"model_name":"en_y","model_version":"1.0" OTHER`,
		"/v2/models/prose/versions/0":  `"model_name":"prose","model_version":"0" PROSE`,
	} {
		names, label, _ := strings.Cut(want, " ")
		got := s.post(t, 200, path+"/infer", exampleInfer)
		if !strings.HasPrefix(got, "{"+names) || !strings.Contains(got, `\"label\":\"`+label+`\"`) {
			t.Errorf("%s: answer %s, want %s", path, got, want)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(path, "/v2/models/"), "/")
		if got := s.getBody(t, 200, path+"/ready"); got != `{"name":"`+name+`","ready":true}` {
			t.Errorf("%s/ready: answer %s", path, got)
		}
		if got := s.getBody(t, 200, path+"/config"); !strings.HasPrefix(got, `{"name":"`+name+`",`) {
			t.Errorf("%s/config: answer %s", path, got)
		}
	}
	s.post(t, 200, "/v2/models/en_x/infer", exampleInfer)
	for path, want := range map[string]string{
		"/v2/models/en_x":                    `{"name":"en_x","versions":["1.0","2.0"],`,
		"/v2/models/en_x/versions/2.0":       `{"name":"en_x","versions":["1.0","2.0"],`,
		"/v2/models/en_y":                    `{"name":"en_y","versions":["1.0"],`,
		"/v2/models/en_x/stats":              `{"model_stats":[{"name":"en_x","version":"1.0",`,
		"/v2/models/en_x/versions/2.0/stats": `{"model_stats":[{"name":"en_x","version":"2.0",`,
	} {
		if got := s.getBody(t, 200, path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: answer %s, want %s…", path, got, want)
		}
	}
	all := s.getBody(t, 200, "/v2/models/stats")
	for i, want := range []string{`"inference_count":2`, `"inference_count":1`, `"inference_count":1`, `"inference_count":1`} {
		if parts := strings.Split(all, `{"name":`); len(parts) != 5 || !strings.Contains(parts[i+1], want) {
			t.Errorf("/v2/models/stats: model %d of %s, want %s", i, all, want)
		}
	}
	const index = `[{"name":"en_x","version":"1.0","state":"READY"},{"name":"en_x","version":"2.0","state":"READY"},` +
		`{"name":"en_y","version":"1.0","state":"READY"},{"name":"prose","version":"0","state":"READY"}]`
	if got := s.post(t, 200, "/v2/repository/index", ""); got != index {
		t.Errorf("/v2/repository/index: answer %s, want %s", got, index)
	}
	for _, path := range []string{"/v2/models/en", "/v2/models/en_y/versions/2.0", "/v2/models/prose/versions/1"} {
		for _, more := range []string{"", "/ready", "/config", "/stats"} {
			if got := s.getBody(t, 404, path+more); !strings.Contains(got, theModels) {
				t.Errorf("%s: answer %s", path+more, got)
			}
		}
		s.post(t, 404, path+"/infer", exampleInfer)
	}
}

// spacy-services names models by their names. The second model of a name has its id there.
func TestEntOfSeveralModels(t *testing.T) {
	s := serveSeveral(t)
	const want = `{"models":{"en_x":"English - en_x (v1.0)","en_x-2.0":"English - en_x (v2.0)","en_y":"English - en_y (v1.0)","prose":"English - prose (v0)"},` +
		`"labels":{"en_x":{"ner":["DEFAULT"]},"en_x-2.0":{"ner":["NEWER"]},"en_y":{"ner":["OTHER"]},"prose":{"ner":["PROSE"]}}}`
	if got := s.getBody(t, 200, "/models"); got != want {
		t.Errorf("/models: answer %s, want %s", got, want)
	}
	for asked, label := range map[string]string{``: "DEFAULT", `,"model":"en_x"`: "DEFAULT", `,"model":"en_x-2.0"`: "NEWER", `,"model":"en_y"`: "OTHER"} {
		if got := s.post(t, 200, "/ent", `{"text":"a"`+asked+`}`); got != `[{"start":0,"end":1,"label":"`+label+`"}]` {
			t.Errorf("/ent %s: answer %s", asked, got)
		}
	}
	if got := s.post(t, 404, "/ent", `{"text":"a","model":"en"}`); !strings.Contains(got, theModels) {
		t.Errorf("an unknown model: answer %s", got)
	}
}
