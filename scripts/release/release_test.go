package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestDescribed(t *testing.T) {
	for text, want := range map[string]string{
		"v1.2.3-0-g1d06414c41a3":           "1.2.3",
		"v1.2.3-0-g1d06414c41a3.dirty":     "1.2.3+0.g1d06414c41a3.dirty",
		"v1.2.3-5-g1d06414c41a3":           "1.2.3+5.g1d06414c41a3",
		"v1.2.3-rc.1-0-g1d06414c41a3":      "1.2.3-rc.1",
		"v1.2.3-rc.1-12-g1d06414c41a3":     "1.2.3-rc.1+12.g1d06414c41a3",
		"v1.2.3+x-1-g1d06414c41a3":         "1.2.3+x.1.g1d06414c41a3",
		"1d06414c41a3":                     "0.0.0-1d06414c41a3",
		"1d06414c41a3.dirty":               "0.0.0-1d06414c41a3.dirty",
		"something-else-2-g1d06414c41a3.x": "something-else-2-g1d06414c41a3.x", // which is no version
	} {
		if got := described(text); got != want {
			t.Errorf("described(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDebVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3":                "1.2.3",
		"1.2.3-rc.1":           "1.2.3~rc.1",
		"1.2.3-rc-1":           "1.2.3~rc.1",
		"1.2.3+5.g1d06414c41a": "1.2.3+5.g1d06414c41a",
		"0.0.0-1d06414c41a3":   "0.0.0~1d06414c41a3",
		"1.2.3-rc.1+5-x":       "1.2.3~rc.1+5.x",
	} {
		if got := (&product{release: &release{version: version}}).debVersion(); got != want {
			t.Errorf("debVersion of %q = %q, want %q", version, got, want)
		}
	}
}

// The version, the commit and the time come from git, or from the caller.
func TestNewRelease(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	t.Setenv("SOURCE_DATE_EPOCH", "")
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	if _, err := newRelease(ctx, dir, ""); err == nil || !strings.Contains(err.Error(), "make release VERSION=") {
		t.Errorf("without git and a version: %v", err)
	}
	if _, err := newRelease(ctx, dir, "1.2.3"); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("without git and a time: %v", err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1764464400")
	r, err := newRelease(ctx, dir, "v1.2.3")
	if err != nil || r.version != "1.2.3" || r.commit != "" || r.time.Unix() != 1764464400 {
		t.Errorf("without git: %+v, %v", r, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")

	command := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=1764464400 +0000", "GIT_COMMITTER_DATE=1764464400 +0000")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, text)
		}
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	command("init", "-q")
	command("add", "file")
	command("commit", "-q", "-m", "one")
	r, err = newRelease(ctx, dir, "")
	if err != nil || !strings.HasPrefix(r.version, "0.0.0-") || len(r.version) != len("0.0.0-1d06414c41a3") ||
		!strings.HasPrefix(r.commit, r.version[6:]) || !strings.HasSuffix(r.commit, " of 2025-11-30") || r.time.Unix() != 1764464400 {
		t.Errorf("without a tag: %+v, %v", r, err)
	}
	command("tag", "v1.2.3")
	if r, err = newRelease(ctx, dir, ""); err != nil || r.version != "1.2.3" {
		t.Errorf("a tag: %+v, %v", r, err)
	}
	write("two")
	r, err = newRelease(ctx, dir, "")
	if err != nil || !strings.HasSuffix(r.version, ".dirty") || !strings.HasSuffix(r.commit, ", with changes that are not committed") {
		t.Errorf("a changed file: %+v, %v", r, err)
	}
	if _, err = newRelease(ctx, dir, "one"); err == nil || !strings.Contains(err.Error(), `"one" is not a version`) {
		t.Errorf("a version that is none: %v", err)
	}
}

// sample is a product whose program is that of this test.
func sample(t *testing.T) *product {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := func(name string) part {
		return part{name: name, version: "1.0.0", texts: []string{"the licence of " + name}, licenses: []string{"MIT"}}
	}
	return &product{
		release: &release{root: root, version: "1.2.3-rc.1", commit: "1d06414c41a3b1e4a2f6d6d2d8e5f0a9b7c3e211 of 2025-11-30", time: time.Unix(1764464400, 0).UTC(), maintainer: nobody},
		arch:    runtime.GOARCH, program: program,
		parts:       &parts{goItself: work("Go"), model: work("en_core_web_sm"), pages: work("Swagger UI"), modules: []part{work("example.org/m")}},
		completions: map[string][]byte{"bash": []byte("for bash"), "zsh": []byte("for zsh"), "fish": []byte("for fish")},
	}
}

// written writes a file of the sample twice, and returns it. Both must be equal.
func written(t *testing.T, p *product, extension string, write func(dir string) error) string {
	t.Helper()
	var all [2][]byte
	var name string
	for i := range all {
		dir := t.TempDir()
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(dir, p.name(extension))
		var err error
		if all[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Errorf("%s differs from one time to the next", filepath.Base(name))
	}
	return name
}

// members returns the files of a tar archive by their names. All must belong to root and
// have the time of the sample.
func members(t *testing.T, p *product, r io.Reader) map[string]*tar.Header {
	t.Helper()
	all, _ := contents(t, r)
	for name, h := range all {
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(p.time) || h.Mode&0o022 != 0 {
			t.Errorf("%s: owner %d:%d, time %v, mode %o", name, h.Uid, h.Gid, h.ModTime, h.Mode)
		}
	}
	return all
}

// contents returns the headers and the data of a tar archive.
func contents(t *testing.T, r io.Reader) (map[string]*tar.Header, map[string][]byte) {
	t.Helper()
	headers, data := map[string]*tar.Header{}, map[string][]byte{}
	for all := tar.NewReader(r); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return headers, data
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		headers[name] = h
		if data[name], err = io.ReadAll(all); err != nil {
			t.Fatal(err)
		}
	}
}

func gunzip(t *testing.T, r io.Reader) io.Reader {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTarball(t *testing.T) {
	p := sample(t)
	f, err := os.Open(written(t, p, ".tar.gz", p.writeTarball))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := members(t, p, gunzip(t, f))
	top := p.name("")
	for name, mode := range map[string]int64{
		"": 0o755, "bin/narwhal": 0o755, "share/man/man1/narwhal.1": 0o644, "share/bash-completion/completions/narwhal": 0o644,
		"share/zsh/site-functions/_narwhal": 0o644, "share/fish/vendor_completions.d/narwhal.fish": 0o644,
		"share/narwhal/systemd/narwhal.service": 0o644, "share/narwhal/systemd/narwhal.socket": 0o644, "share/narwhal/systemd/narwhal-252.conf": 0o644,
		"share/doc/narwhal/LICENSE": 0o644, "share/doc/narwhal/third-party-licenses.txt": 0o644, "share/doc/narwhal/install.md": 0o644,
	} {
		if h := all[top+"/"+name]; h == nil || h.Mode != mode {
			t.Errorf("%s: %+v, want mode %o", name, h, mode)
		}
	}
}

func TestSBOM(t *testing.T) {
	p := sample(t)
	text, err := os.ReadFile(written(t, p, ".cdx.json", p.writeSBOM))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"bomFormat": "CycloneDX"`, `"specVersion": "1.6"`, `"timestamp": "2025-11-30T01:00:00Z"`,
		`"name": "std"`, `"name": "en_core_web_sm"`, `"name": "swagger-ui"`, `"id": "MIT"`, "github.com/google/licensecheck"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("it does not have %s", want)
		}
	}
}

// Every work that the program contains has a licence that licensecheck knows.
func TestParts(t *testing.T) {
	p := sample(t)
	if _, err := os.Stat(filepath.Join(p.root, modelZip)); err != nil {
		t.Fatalf("%v: make build fetches the model", err)
	}
	found, err := p.release.parts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := string(found.notices())
	for _, one := range append([]part{found.goItself, found.model, found.pages}, found.modules...) {
		if len(one.licenses) == 0 || one.version == "" {
			t.Errorf("%s %s: licences %q", one.name, one.version, one.licenses)
		}
		if !strings.Contains(text, "\n"+one.name+" "+one.version+"\n") {
			t.Errorf("the notices do not name %s", one.name)
		}
	}
	for _, want := range []string{"Copyright 2009 The Go Authors", "Explosion", "WordNet 3.0 License", "SmartBear Software", "github.com/valyala/fasthttp"} {
		if !strings.Contains(text, want) {
			t.Errorf("the notices do not have %q", want)
		}
	}
}

// A program that is not static or not stripped is refused.
func TestCheckProgram(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{"": "is not stripped", "-s -w": ""} {
		to := filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", "-ldflags", flags, "-o", to, filepath.Join(dir, "main.go"))
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := checkProgram(to); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("-ldflags %q: %v, want %q", flags, err, want)
		}
	}
	if err := checkProgram("/bin/sh"); err == nil || !strings.Contains(err.Error(), "is not static") {
		t.Errorf("/bin/sh: %v", err)
	}
}

func TestSums(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b": "two\n", "a": "one\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sha256sum", "-c", "--strict", sumsFile)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "a: OK\nb: OK\n" {
		t.Errorf("sha256sum says %q, %v", out, err)
	}
}

// The copy has what git knows or would add. Without git it has all but what make writes.
func TestCopySource(t *testing.T) {
	from, ctx := t.TempDir(), context.Background()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(from))
	for _, name := range []string{"go.mod", "cmd/bin/main.go", "bin/narwhal", "dist/x", "models/x", ".cache/x", modelZip} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(with string) {
		t.Helper()
		to := filepath.Join(t.TempDir(), "to")
		if err := copySource(ctx, from, to); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{"go.mod": true, "cmd/bin/main.go": true, modelZip: true, "bin/narwhal": false, "dist/x": false, "models/x": false, ".cache/x": false} {
			if _, err := os.Stat(filepath.Join(to, name)); (err == nil) != want {
				t.Errorf("%s: %s: %v, want it copied: %v", with, name, err, want)
			}
		}
	}
	check("without git")
	ignored := "/bin/\n/dist/\n/models/\n/.cache/\n*.zip\n"
	if err := os.WriteFile(filepath.Join(from, ".gitignore"), []byte(ignored), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("git", "-C", from, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, text)
	}
	check("with git")
}

func TestCompare(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(a, "same", "x")
	write(b, "same", "x")
	if err := compare(a, b); err != nil {
		t.Error(err)
	}
	write(a, "one", "x")
	write(b, "one", "y")
	write(b, "two", "")
	if err := compare(a, b); err == nil || !strings.Contains(err.Error(), "one, two differ") {
		t.Errorf("%v, want that one and two differ", err)
	}
}

// Only an older release is removed.
func TestClear(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "dist")
	if err := clear(out); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(out, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := clear(out); err == nil {
		t.Error("a folder with other files is cleared")
	}
	if err := writeSums(out); err != nil {
		t.Fatal(err)
	}
	if err := clear(out); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the older release is still there: %v", err)
	}
}
