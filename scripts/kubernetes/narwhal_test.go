package kubernetes

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// settings are what narwhal --print-config prints, by the keys of the configuration file.
type settings map[string]string

// seconds returns a time in seconds.
func (s settings) seconds(t *testing.T, key string) float64 {
	t.Helper()
	d, err := time.ParseDuration(strings.Trim(s[key], `"`))
	if err != nil {
		t.Fatalf("%s is %q", key, s[key])
	}
	return d.Seconds()
}

var built string // the program, in a folder that TestMain removes

// buildNarwhal compiles narwhal. It returns a function that gives narwhal the variables of
// a container, and returns its settings and what it warns of. Each variable must be a
// setting. The program is built without a model, and would warn of that, so it gets prose.
func buildNarwhal(t *testing.T) func(*testing.T, corev1.Container) (settings, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "narwhal-manifests-")
	if err != nil {
		t.Fatal(err)
	}
	built = filepath.Join(dir, "narwhal")
	cmd := exec.Command("go", "build", "-o", built, "./cmd/narwhal")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(t *testing.T, c corev1.Container) (settings, string) {
		t.Helper()
		cmd := exec.Command(built, append(c.Args, "--print-config", "--model", "prose")...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
		for _, v := range c.Env {
			cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("narwhal --print-config: %v\n%s", err, stderr.String())
		}
		all, from := settings{}, map[string]bool{}
		for line := range strings.Lines(string(out)) {
			key, rest, ok := strings.Cut(line, " = ")
			value, origin, commented := strings.Cut(rest, "#")
			if !ok || !commented {
				continue
			}
			all[key] = strings.TrimSpace(value)
			from[strings.TrimSpace(origin)] = true
		}
		for _, v := range c.Env {
			if !from[v.Name] {
				t.Errorf("%s is not a setting of narwhal", v.Name)
			}
		}
		return all, stderr.String()
	}
}
