package web

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// readGolden reads a file that testdata/python/goldens.py has written.
func readGolden[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile("testdata/python/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for line := range bytes.Lines(b) {
		var one T
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, one)
	}
	if len(all) < 50 {
		t.Fatalf("%s has %d lines, want more", name, len(all))
	}
	return all
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStringsAsPythonWritesThem(t *testing.T) {
	var entities []ner.Entity
	var object strings.Builder
	seen := map[string]bool{}
	for _, g := range readGolden[struct{ Hex, JSON string }](t, "strings.jsonl") {
		s, want := unhex(t, g.Hex), unhex(t, g.JSON)
		if got := string(textjson.AppendString(nil, s)); got != want {
			t.Errorf("AppendString(%q) = %s, want %s", s, got, want)
		}
		entities = append(entities, ner.Entity{Text: s, Label: s})
		if !seen[s] {
			object.WriteString("," + want + ":" + want)
		}
		seen[s] = true
	}
	if got, want := string(textjson.AppendLabels(nil, entities)), "{"+object.String()[1:]+"}"; got != want {
		t.Errorf("AppendLabels = %s\nwant %s", got, want)
	}
}

func TestBodiesAsPythonReadsThem(t *testing.T) {
	// Here narwhal is stricter than Python on purpose.
	refused := func(body string) bool {
		return strings.Contains(body, "\x00")
	}
	for _, g := range readGolden[struct {
		Hex  string
		Text *string
	}](t, "bodies.jsonl") {
		body := unhex(t, g.Hex)
		got, f := decodeText([]byte(body))
		switch {
		case f != nil && f.status != 400 && f.status != 422:
			t.Errorf("decode(%.60q): status %d", body, f.status)
		case g.Text == nil && f == nil:
			t.Errorf("decode(%.60q) = %q, Python refuses it", body, got)
		case g.Text != nil && f != nil && !refused(body):
			t.Errorf("decode(%.60q): %s; Python reads %q", body, f.message, *g.Text)
		case g.Text != nil && f == nil && (got != *g.Text || refused(body)):
			t.Errorf("decode(%.60q) = %q, Python reads %q", body, got, *g.Text)
		}
	}
}
