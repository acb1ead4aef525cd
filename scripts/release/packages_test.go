package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/blakesmith/ar"
	rpmutils "github.com/sassoftware/go-rpmutils"
)

func TestDeb(t *testing.T) {
	p := sample(t)
	f, err := os.Open(written(t, p, ".deb", p.writeDeb))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var control, data []byte
	for r := ar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch strings.TrimSuffix(h.Name, "/") {
		case "control.tar.gz":
			control = content
		case "data.tar.gz":
			data = content
		}
	}
	_, parts := contents(t, gunzip(t, bytes.NewReader(control)))
	for _, want := range []string{"Package: narwhal\n", "Version: 1.2.3~rc.1\n", "Section: net\n", "Maintainer: " + nobody + "\n", "Description: serve a named-entity recognizer"} {
		if !strings.Contains("\n"+string(parts["control"]), "\n"+want) {
			t.Errorf("control does not have %q:\n%s", want, parts["control"])
		}
	}
	if got := string(parts["conffiles"]); got != "/etc/narwhal/narwhal.toml\n" {
		t.Errorf("conffiles: %q", got)
	}
	for _, name := range []string{"postinst", "prerm", "postrm"} {
		shellReads(t, name, parts[name])
	}
	all := members(t, p, gunzip(t, bytes.NewReader(data)))
	for name, mode := range map[string]int64{
		"usr/bin/narwhal": 0o755, "usr/share/man/man1/narwhal.1.gz": 0o644, "usr/share/zsh/vendor-completions/_narwhal": 0o644,
		"usr/lib/systemd/system/narwhal.service": 0o644, "usr/lib/systemd/system/narwhal.socket": 0o644, "usr/share/narwhal/narwhal-252.conf": 0o644,
		"etc/narwhal/": 0o755, "etc/narwhal/narwhal.toml": 0o644, "usr/share/doc/narwhal/copyright": 0o644,
		"usr/share/doc/narwhal/third-party-licenses.txt.gz": 0o644, "usr/share/doc/narwhal/changelog.gz": 0o644,
	} {
		if h := all[name]; h == nil || h.Mode != mode {
			t.Errorf("%s: %+v, want mode %o", name, h, mode)
		}
	}
}

func TestMaintainer(t *testing.T) {
	for name, want := range map[string]bool{
		nobody: true, "Ada Example <ada@example.org>": true, "": false, "Ada Example": false, "ada@example.org": false, "Ada <https://example.org>": false,
	} {
		if err := checkMaintainer(name); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func shellReads(t *testing.T, name string, script []byte) {
	t.Helper()
	if !bytes.HasPrefix(script, []byte("#!/bin/sh\nset -e\n")) {
		t.Errorf("%s begins with %.40q", name, script)
	}
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = bytes.NewReader(script)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
}

func TestRPM(t *testing.T) {
	p := sample(t)
	f, err := os.Open(written(t, p, ".rpm", p.writeRPM))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := rpmutils.ReadRpm(f)
	if err != nil {
		t.Fatal(err)
	}
	name, err := r.Header.GetNEVRA()
	if err != nil {
		t.Fatal(err)
	}
	if name.Name != "narwhal" || name.Version != "1.2.3~rc.1" || name.Release != "1" {
		t.Errorf("it is %+v", name)
	}
	files, err := r.Header.GetFiles()
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]int{
		"/usr/bin/narwhal": 0o755, "/usr/share/man/man1/narwhal.1.gz": 0o644, "/usr/share/zsh/site-functions/_narwhal": 0o644,
		"/usr/lib/systemd/system/narwhal.service": 0o644, "/etc/narwhal/narwhal.toml": 0o644,
		"/usr/share/licenses/narwhal/LICENSE": 0o644, "/usr/share/licenses/narwhal/third-party-licenses.txt": 0o644,
	} {
		i := slices.IndexFunc(files, func(f rpmutils.FileInfo) bool { return f.Name() == path })
		if i < 0 || files[i].Mode()&0o777 != mode || files[i].UserName() != "root" || files[i].Mtime() != int(p.time.Unix()) {
			t.Errorf("%s is missing, or has another mode, owner or time", path)
		}
	}
	for tag, name := range map[int]string{rpmutils.POSTIN: "post", rpmutils.PREUN: "preun", rpmutils.POSTUN: "postun"} {
		script, err := r.Header.GetString(tag)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shellReads(t, name, []byte(script))
	}
}

// The settings that packages install are comments. Without the # narwhal accepts them.
func TestSettings(t *testing.T) {
	for line := range strings.Lines(string(settings)) {
		if line != "\n" && line[0] != '#' {
			t.Errorf("%q is no comment", line)
		}
	}
	file := filepath.Join(t.TempDir(), "narwhal.toml")
	if err := os.WriteFile(file, regexp.MustCompile(`(?m)^#(\w+ = )`).ReplaceAll(settings, []byte("$1")), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "./cmd/narwhal", "--config", file, "--print-config")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("127.0.0.1:8001")) {
		t.Errorf("narwhal says %s, %v", out, err)
	}
}
