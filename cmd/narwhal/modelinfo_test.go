package main

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// /v1/models names the release, all its labels with a description, and the hashes that
// narwhal model check compares.
func TestModels(t *testing.T) {
	sm := quickModel(t)
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", sm, "--exclude", "parser")
	resp, err := http.Get(s.url + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Models []struct {
			ID, Name, Version, Language, License, Source, SIMD string
			Without                                            []string
			Labels                                             []struct{ Label, Description string }
			Files                                              []struct {
				Path   string
				Size   int64
				SHA256 string
			}
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Models) != 1 {
		t.Fatalf("answer %s, %v", body, err)
	}
	m, release := got.Models[0], model.ReleaseNamed("en_core_web_sm")
	if m.ID != release.Name+"-"+release.Version || m.Name != release.Name || m.Version != release.Version || m.Language != "en" ||
		m.License != release.License || m.Source != sm || m.SIMD != kernel.Variant() || len(m.Without) != 1 || m.Without[0] != "parser" {
		t.Errorf("the model is %s", body)
	}
	if len(m.Labels) != len(release.Labels) {
		t.Errorf("%d labels, want %d", len(m.Labels), len(release.Labels))
	}
	for _, l := range m.Labels {
		if l.Description == "" {
			t.Errorf("label %s has no description", l.Label)
		}
	}
	sums := map[string]string{}
	for _, f := range m.Files {
		sums[f.Path] = f.SHA256
	}
	for _, f := range release.Files {
		if sums[f.Path] != f.SHA256 {
			t.Errorf("%s has the hash %q, the release %s", f.Path, sums[f.Path], f.SHA256)
		}
	}
}
