package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The Makefile says in a sentence that Go is missing or too old, before it uses Go.
func TestMakefileGo(t *testing.T) {
	for _, test := range []struct{ said, want string }{
		{"go version go1.19.8 linux/amd64", "go 1.19.8 is too old: narwhal needs Go 1.21 or newer. "},
		{"go version go1.20 linux/amd64", "go 1.20 is too old: narwhal needs Go 1.21 or newer. "},
		{"go version go1.21.0 linux/amd64", ""},
		{"go version go1.26.8 linux/arm64", ""},
		{"go version devel go1.27-0123abcd linux/amd64", ""},
		{"", "there is no Go here ("},
	} {
		fake := filepath.Join(t.TempDir(), "go")
		if test.said != "" {
			if err := os.WriteFile(fake, []byte("#!/bin/sh\necho '"+test.said+"'\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command("make", "-C", "../..", "--no-print-directory", "go-found", "GO="+fake).CombinedOutput()
		if test.want == "" && (err != nil || len(out) > 0) || test.want != "" && (err == nil || !strings.HasPrefix(string(out), test.want)) {
			t.Errorf("%q: make says %q, %v, want %q", test.said, out, err, test.want)
		}
	}
}

// make install installs the program that is there. It does not build.
func TestMakefileInstall(t *testing.T) {
	dir, root := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"bin/narwhal":    "#!/bin/sh\necho completion\n",
		"docs/narwhal.1": "manual page\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	makefile, err := filepath.Abs("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "-f", makefile, "-C", dir, "install", "DESTDIR="+root, "GO=/nonexistent/go")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	for _, name := range []string{"bin/narwhal", "share/man/man1/narwhal.1", "share/fish/vendor_completions.d/narwhal.fish"} {
		if _, err := os.Stat(filepath.Join(root, "usr/local", name)); err != nil {
			t.Error(err)
		}
	}
}
