package model

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
)

func TestCheck(t *testing.T) {
	good := func(*Model, string) ([]string, []string, error) { return ontoNotes, sentenceEntities, nil }
	m, err := places(t).Find(modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(); err == nil || !strings.Contains(err.Error(), "not a release") {
		t.Errorf("Verify of a pipeline of one's own: %v", err)
	}
	if r := m.Check(good); r.Release != nil || r.Files != 0 || len(r.Problems) != 0 || len(r.Entities) != 3 {
		t.Errorf("a pipeline of one's own: %+v", r)
	}
	if r := m.Check(func(*Model, string) ([]string, []string, error) { return nil, nil, errors.New("beam_width is 16") }); len(r.Problems) != 1 {
		t.Errorf("one that does not load: %+v", r)
	}

	// A model whose meta.json names a release is compared with it.
	claims := map[string]string{"config.cfg": "x", "tokenizer": "y", "meta.json": `{"lang":"en","name":"core_web_sm","version":"3.8.0"}`}
	if m, err = places(t).Find(modeltest.WriteDir(t, t.TempDir(), claims)); err != nil {
		t.Fatal(err)
	}
	r := m.Check(func(*Model, string) ([]string, []string, error) { return []string{"PERSON"}, nil, nil })
	all := errors.Join(r.Problems...).Error()
	for _, want := range []string{"config.cfg has SHA-256", "ner/model", "labels are", "entities of"} {
		if !strings.Contains(all, want) {
			t.Errorf("problems %q do not mention %q", all, want)
		}
	}
	if r.Release == nil || r.Files != 0 {
		t.Errorf("report is %+v", r)
	}
}

// TestReleasesHere checks that the releases on this machine are the ones in Releases.
func TestReleasesHere(t *testing.T) {
	p := Standard()
	p.Local = filepath.Join("..", "..", "models")
	for i := range Releases {
		r := &Releases[i]
		m, err := p.Find(r.Name)
		if missing := (*NotFoundError)(nil); errors.As(err, &missing) {
			t.Logf("%s: not here, its table is not checked", r.Name)
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if err := m.Verify(); err != nil {
			t.Errorf("in %s: %v", m.Path, err)
		}
		if m.Release() != r {
			t.Errorf("%s in %s does not say that it is %s", r.Name, m.Path, r.Version)
		}
		var want int64
		for _, f := range r.Files {
			want += f.Size
		}
		if n, err := m.Size(); err != nil || n < want {
			t.Errorf("%s is %d bytes, %v: want at least %d", r.Name, n, err, want)
		}
	}
}
