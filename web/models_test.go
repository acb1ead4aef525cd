package web

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// A model is described once. A description that failed is tried again.
func TestModels(t *testing.T) {
	var calls atomic.Int64
	s := serve(t, gate.Options{}, Options{ModelID: "en_x-1", Describe: func() (ModelInfo, error) {
		if calls.Add(1) == 1 {
			return ModelInfo{}, errors.New("the file is gone")
		}
		return ModelInfo{
			Name: "en_x", Version: "1", Language: "en", Labels: []string{"GPE", "DRUG"}, License: "MIT", Author: "x", Source: "this program",
			Without: []string{"parser"}, SIMD: "avx2", Files: []ModelFile{{"ner/model", 7, "abc"}},
		}, nil
	}})
	const get = "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
	s.dial(t).want(500, get)
	const want = `{"models":[{"id":"en_x-1","name":"en_x","version":"1","language":"en",` +
		`"labels":[{"label":"GPE","description":"Countries, cities, states"},{"label":"DRUG"}],` +
		`"license":"MIT","author":"x","source":"this program","without":["parser"],"simd":"avx2",` +
		`"files":[{"path":"ner/model","size":7,"sha256":"abc"}]}]}` + "\n"
	for range 2 {
		if answer := s.dial(t).want(200, get); !strings.HasSuffix(answer, "\n\n"+want) {
			t.Errorf("answer %s, want the body %s", answer, want)
		}
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("the model was described %d times, want 2", n)
	}
}
