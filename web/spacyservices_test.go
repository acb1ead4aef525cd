package web

import (
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// labeled is a recognizer that knows its labels, as spaCy's pipelines do.
type labeled struct{ fake }

func (labeled) Labels() []string { return []string{"NAME", "LAST"} }

func TestLabelsOfModels(t *testing.T) {
	s := serve(t, gate.Options{}, Options{Recognizer: labeled{}, ModelID: "m-1.0"})
	const want = `{"models":{"m":"English - m (v1.0)"},"labels":{"m":{"ner":["NAME","LAST"]}}}`
	if answer := s.dial(t).want(200, "GET /models HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.Contains(answer, want) {
		t.Errorf("answer %s, want %s", answer, want)
	}
}
