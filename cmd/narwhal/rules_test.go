package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rulesModel makes a pipeline in which only rules find entities. It has the tokenizer of
// en_core_web_sm and no vocab.
func rulesModel(t *testing.T) (dir string) {
	t.Helper()
	tokenizer, err := os.ReadFile("../../models/en_core_web_sm/tokenizer")
	if err != nil {
		t.Fatalf("%v: go run ./scripts/embedmodel gets it", err)
	}
	dir = t.TempDir()
	for name, content := range map[string]string{
		"config.cfg": "[nlp]\nlang = \"en\"\npipeline = [\"sentencizer\",\"ruler\"]\n\n[components.sentencizer]\nfactory = \"sentencizer\"\n\n" +
			"[components.ruler]\nfactory = \"entity_ruler\"\n",
		"meta.json":        `{"lang":"en","name":"rules","version":"0.0.1"}`,
		"tokenizer":        string(tokenizer),
		"sentencizer.json": `{"punct_chars":["."]}`,
		"ruler/cfg":        "{}",
		"ruler/patterns.jsonl": `{"label":"ORG","pattern":[{"LOWER":"acme"},{"LOWER":{"IN":["corp","inc"]}}],"id":"acme"}` + "\n" +
			`{"label":"GPE","pattern":"Paris"}`,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A pipeline with rules and no recognizer is served. The ids of rules come through /v1.
func TestRulesOnly(t *testing.T) {
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "-w", "2", "--model", rulesModel(t), "--log-level", "info")
	post := func(path, body string) string {
		t.Helper()
		resp, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("POST %s %s: %s, %v, %s", path, body, resp.Status, err, answer)
		}
		return strings.TrimSpace(string(answer))
	}
	for range 4 { // two for each worker
		for _, c := range [][3]string{
			{"/v1/entities", `{"text":"ACME Corp is in Paris."}`,
				`{"model":"en_rules-0.0.1","ents":[{"text":"ACME Corp","label":"ORG","start":0,"end":9,"ent_id":"acme"},{"text":"Paris","label":"GPE","start":16,"end":21}]}`},
			{"/v1/entities", `{"text":"Paris. Acme Inc","include":["sents","tokens"]}`,
				`{"model":"en_rules-0.0.1","ents":[{"text":"Paris","label":"GPE","start":0,"end":5,"start_token":0,"end_token":1},` +
					`{"text":"Acme Inc","label":"ORG","start":7,"end":15,"start_token":2,"end_token":4,"ent_id":"acme"}],` +
					`"sents":[{"start":0,"end":6},{"start":7,"end":15}],"tokens":[{"start":0,"end":5},{"start":5,"end":6},{"start":7,"end":11},{"start":12,"end":15}]}`},
			{"/", `{"text":"ACME Corp is in Paris."}`, `{"ACME Corp":"ORG","Paris":"GPE"}`},
		} {
			if got := post(c[0], c[1]); got != c[2] {
				t.Errorf("POST %s %s:\n got %s\nwant %s", c[0], c[1], got, c[2])
			}
		}
	}
	if strings.Contains(s.logged(), "does not share memory") {
		t.Errorf("a worker did not share:\n%s", s.logged())
	}
}
