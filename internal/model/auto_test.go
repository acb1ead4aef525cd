package model

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
)

// TestAuto checks which pipeline Auto takes: the one that is built in, or else
// en_core_web_sm, _md or _lg in this order, or else the only one that is installed.
func TestAuto(t *testing.T) {
	p := places(t)
	var missing *NotFoundError
	if m, err := p.Auto(); !errors.As(err, &missing) {
		t.Fatalf("nothing is installed: %v, %v; want a NotFoundError", m, err)
	}

	// A folder that is no pipeline does not count: other programs also have folders called
	// models.
	modeltest.WriteDir(t, filepath.Join(p.Local, "torch"), map[string]string{"weights.bin": "x"})
	if m, err := p.Auto(); !errors.As(err, &missing) {
		t.Fatalf("a folder that is no pipeline: %v, %v; want a NotFoundError", m, err)
	}

	takes := func(want string) {
		t.Helper()
		m, err := p.Auto()
		if err != nil {
			t.Fatal(err)
		}
		if m.Path != want {
			t.Errorf("auto takes %q, want %q", m.Path, want)
		}
	}
	install := func(place, name string) string {
		t.Helper()
		return modeltest.WriteDir(t, filepath.Join(place, name), modeltest.Tiny)
	}
	zoo := install(p.User, "en_zoo")
	takes(zoo)
	install(p.System, "en_zoo") // the one in p.User hides it
	takes(zoo)

	install(p.Local, "en_farm")
	_, err := p.Auto()
	if err == nil || errors.As(err, &missing) {
		t.Fatalf("two pipelines: %v, want an error that is not NotFoundError", err)
	}
	for _, want := range []string{"en_farm, en_zoo", "--model en_farm"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("two pipelines: %q does not say %q", err, want)
		}
	}

	takes(install(p.System, "en_core_web_lg"))
	takes(install(p.User, "en_core_web_md"))
	takes(install(p.System, "en_core_web_sm"))
	p.Archive = string(modeltest.Zip(t, "", modeltest.Tiny))
	takes("")

	// If the first pipeline is broken, Auto fails and does not take another one.
	p.Archive = ""
	if err := os.Remove(filepath.Join(p.System, "en_core_web_sm", "tokenizer")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Auto(); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "it has no tokenizer") {
		t.Errorf("a broken en_core_web_sm: %v", err)
	}
}

// TestAutoFileCalledModels has a file instead of the folder models. It has no pipelines.
func TestAutoFileCalledModels(t *testing.T) {
	p := places(t)
	if err := os.WriteFile(p.Local, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if _, err := p.Auto(); !errors.As(err, &missing) {
		t.Errorf("Auto: %v, want a NotFoundError", err)
	}
	if _, err := p.Find(Default); !errors.As(err, &missing) {
		t.Errorf("Find: %v, want a NotFoundError", err)
	}
	if _, err := p.List(); err != nil {
		t.Errorf("List: %v", err)
	}
}
