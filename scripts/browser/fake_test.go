package browser_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/narwhal-server/narwhal/web/page"
)

// question is what the page sends to v1/entities.
type question struct {
	Text, Offsets string
	Model         *string
}

// fake serves the page's files as narwhal does, with answers that narwhal would not give.
func fake(t *testing.T, limitBody int, answer func(http.ResponseWriter, *http.Request, question)) string {
	t.Helper()
	return fakeModels(t, []string{"fake-1.0"}, limitBody, answer)
}

// fakeModels is fake with these models.
func fakeModels(t *testing.T, models []string, limitBody int, answer func(http.ResponseWriter, *http.Request, question)) string {
	t.Helper()
	index := page.Index(models, limitBody)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/entities" {
			var q question
			if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Offsets != "utf16" || (q.Model != nil) != (len(models) > 1) {
				t.Errorf("the page sends %+v: %v", q, err)
			}
			answer(w, r, q)
			return
		}
		f := page.Open(r.URL.Path)
		if r.URL.Path == "/" {
			f = index
		}
		if f == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.Type)
		w.Header().Set("Content-Security-Policy", f.Policy)
		_, _ = w.Write(f.Body) // the browser may have gone
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// ent is an entity of an answer.
type ent struct {
	Text  string `json:"text"`
	Label string `json:"label"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// found answers with entities.
func found(w http.ResponseWriter, model string, ents ...ent) {
	if ents == nil {
		ents = []ent{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"model": model, "ents": ents}) // the browser may have gone
}
