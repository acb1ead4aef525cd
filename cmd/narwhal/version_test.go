package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestRelease(t *testing.T) {
	const (
		commit = "1d06414c41a3b1e4a2f6d6d2d8e5f0a9b7c3e211"
		pseudo = "v0.0.0-20261129113446-1d06414c41a3"
	)
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "-trimpath", Value: "true"},
			{Key: "vcs", Value: "git"},
			{Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: "2026-11-29T11:34:46Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	for _, test := range []struct {
		name    string
		version string // set by the linker
		linked  string // the commit that the linker has set
		main    string // recorded by Go
		vcs     []debug.BuildSetting
		want    string
	}{
		{"nothing recorded", "", "", "", nil, "narwhal (development)\n"},
		{"without git", "", "", "(devel)", nil, "narwhal (development)\n"},
		{"go install of a version", "", "", "v1.2.3", nil, "narwhal v1.2.3\n"},
		{"a checkout", "", "", pseudo, vcs("false"), "narwhal " + pseudo + "\ncommit " + commit + " of 2026-11-29\n"},
		{"a changed checkout", "", "", pseudo + "+dirty", vcs("true"),
			"narwhal " + pseudo + "+dirty\ncommit " + commit + " of 2026-11-29, with changes that are not committed\n"},
		{"the linker's version", "v1.2.3-4", "", pseudo, vcs("false"), "narwhal v1.2.3-4\ncommit " + commit + " of 2026-11-29\n"},
		{"the linker's version, without git", "v1.2.3-4", "", "(devel)", nil, "narwhal v1.2.3-4\n"},
		{"a release", "v1.2.3", "1d06414 of 2026-11-29", "(devel)", nil, "narwhal v1.2.3\ncommit 1d06414 of 2026-11-29\n"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: test.main}, Settings: test.vcs}
		if got := release(test.version, test.linked, info); got != test.want {
			t.Errorf("%s: release = %q, want %q", test.name, got, test.want)
		}
	}
}

// The whole text also names Go, the system and the model.
func TestVersionText(t *testing.T) {
	text := versionText()
	for _, want := range []string{"narwhal ", "\n" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n", "\nbuilt-in model: "} {
		if !strings.Contains("\n"+text, want) {
			t.Errorf("--version does not say %q:\n%s", want, text)
		}
	}
}
