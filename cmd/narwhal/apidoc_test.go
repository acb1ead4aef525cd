package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Every example of docs/api.md has the answer that the document says.
func TestAPIDocument(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no curl: scripts/setup-tests installs it")
		}
		t.Skip("no curl")
	}
	doc, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sm := quickModel(t)
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", sm)
	examples := regexp.MustCompile("(?s)```console\n\\$ ([^\n]*)\n(.*?)\n```").FindAllStringSubmatch(string(doc), -1)
	if want := strings.Count(string(doc), "```console"); len(examples) != want || want < 5 {
		t.Fatalf("the document has %d examples with a command and an answer, of %d", len(examples), want)
	}
	for _, e := range examples {
		command, want := strings.ReplaceAll(e[1], "http://127.0.0.1:5000", s.url), e[2]
		got, err := exec.Command("sh", "-c", command).Output()
		if err != nil || strings.TrimSuffix(string(got), "\n") != want {
			t.Errorf("%s\nanswers %s, %v\nthe document says %s", command, got, err, want)
		}
	}
}
