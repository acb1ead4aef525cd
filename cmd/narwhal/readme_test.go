package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README's first example has the right answers of spaCy's model and of prose. The
// two must differ, or a reader could not tell which of them answered.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)curl [^\n]* -d '([^'\n]*)'\n```\n\nanswers `(\\{[^`\n]*\\})`.*recognizer \\[prose\\].* here `(\\{[^`\n]*\\})`").FindSubmatch(readme)
	if example == nil {
		t.Fatal("the README has no example with both answers")
	}
	question, spacys, proses := string(example[1]), string(example[2]), string(example[3])
	if spacys == proses {
		t.Errorf("both answer %s", spacys)
	}
	sm := quickModel(t)
	answers := map[string]string{sm: spacys, "prose": proses}
	if raceDetector {
		delete(answers, "prose")
	}
	for name, want := range answers {
		s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", name)
		if got := s.ask(question); got != "200 "+want && got != "200 "+want+"\n" {
			t.Errorf("%s answers %q, the README says %q", name, got, want)
		}
	}
}

// All entities with their offsets, by the model that is built in.
func TestV1Entities(t *testing.T) {
	sm := quickModel(t)
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", sm)
	resp, err := http.Post(s.url+"/v1/entities", "application/json", strings.NewReader(
		`{"texts": [{"id": 7, "text": "😀 Angela Merkel met Angela Merkel in Hamburg."}, "Nothing here."], "labels": ["PERSON"], "offsets": "utf16"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	want := `{"model":"en_core_web_sm-3.8.0","results":[{"id":7,"ents":[{"text":"Angela Merkel","label":"PERSON","start":3,"end":16},` +
		`{"text":"Angela Merkel","label":"PERSON","start":21,"end":34}]},{"ents":[]}]}`
	if err != nil || string(got) != want {
		t.Errorf("answer %s, %v, want %s", got, err, want)
	}
}

// Sentences and tokens, where the model finds them.
func TestV1Include(t *testing.T) {
	sm := quickModel(t)
	const question = `{"text": "Ada isn't in Paris. She left.", "include": ["sents", "tokens"]}`
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 200, `{"model":"en_core_web_sm-3.8.0","ents":[{"text":"Ada","label":"PERSON","start":0,"end":3,"start_token":0,"end_token":1},` +
			`{"text":"Paris","label":"GPE","start":13,"end":18,"start_token":4,"end_token":5}],` +
			`"sents":[{"start":0,"end":19},{"start":20,"end":29}],"tokens":[{"start":0,"end":3},{"start":4,"end":6},{"start":6,"end":9},` +
			`{"start":10,"end":12},{"start":13,"end":18},{"start":18,"end":19},{"start":20,"end":23},{"start":24,"end":28},{"start":28,"end":29}]}`},
		{[]string{"--exclude", "parser"}, 422, ""},
	} {
		s := startNarwhal(t, t.TempDir(), append([]string{"-b", "127.0.0.1:0", "--model", sm}, test.args...)...)
		resp, err := http.Post(s.url+"/v1/entities", "application/json", strings.NewReader(question))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != test.status || test.want != "" && string(got) != test.want || !strings.Contains(string(got), "sents") {
			t.Errorf("%v: %d %s, %v, want %d %s", test.args, resp.StatusCode, got, err, test.status, test.want)
		}
	}
}
