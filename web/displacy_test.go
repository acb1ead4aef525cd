package web

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
)

func TestMarkupAsDisplaCyMakesIt(t *testing.T) {
	for _, g := range readGolden[struct {
		Text string
		Ents []struct {
			Start, End int
			Label      string
		}
		Labels []string
		HTML   string
	}](t, "displacy.jsonl") {
		var bytesAt []int // of each code point
		for i := range g.Text {
			bytesAt = append(bytesAt, i)
		}
		bytesAt = append(bytesAt, len(g.Text))
		var found []ner.Entity
		for _, e := range g.Ents {
			start, end := bytesAt[e.Start], bytesAt[e.End]
			found = append(found, ner.Entity{Text: g.Text[start:end], Label: e.Label, Start: start, End: end, RuneStart: e.Start, RuneEnd: e.End})
		}
		var labels map[string]bool
		if g.Labels != nil {
			labels = map[string]bool{}
			for _, l := range g.Labels {
				labels[l] = true
			}
		}
		if got := string(appendMarkup(nil, g.Text, found, labels)); got != g.HTML {
			t.Errorf("of %q, want - got +\n%s", g.Text, cmp.Diff(g.HTML, got))
		}
	}
}

// displaCy inserts the label as it is.
func TestLabelIsEscaped(t *testing.T) {
	got := string(appendMarkup(nil, "Ada", []ner.Entity{{Text: "Ada", Label: "<b>", End: 3, RuneEnd: 3}}, nil))
	if !strings.Contains(got, ">&lt;b&gt;</span>") {
		t.Errorf("markup %s, want the label as &lt;b&gt;", got)
	}
}

// realSpacy runs the Python of the environment in which spaCy is, and returns its output.
func realSpacy(t *testing.T, args ...string) []byte {
	t.Helper()
	const python = "../.cache/parity/venv/bin/python" // scripts/parity/prepare.sh makes it
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no real spaCy: run scripts/parity/prepare.sh")
		}
		t.Skip("no real spaCy: scripts/parity/prepare.sh installs it")
	}
	cmd := exec.Command(python, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The recorded markup is that of the spaCy that narwhal is compared with.
func TestDisplaCyIsRecorded(t *testing.T) {
	got := realSpacy(t, "testdata/python/displacy.py")
	want, err := os.ReadFile("testdata/python/displacy.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("displaCy writes other markup than testdata/python/displacy.jsonl has:\n%s", cmp.Diff(string(want), string(got)))
	}
}

func TestGlossaryIsSpacys(t *testing.T) {
	var spacys map[string]string
	if err := json.Unmarshal(realSpacy(t, "-c", "import json, spacy.glossary; print(json.dumps(spacy.glossary.GLOSSARY))"), &spacys); err != nil {
		t.Fatal(err)
	}
	for label, description := range glossary {
		if spacys[label] != description {
			t.Errorf("%s is %q, spaCy explains it as %q", label, description, spacys[label])
		}
	}
}
