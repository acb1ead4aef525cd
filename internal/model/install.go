package model

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Add copies a pipeline directory, wheel or tar archive into the user's models and gives it
// a name: the one in its meta.json if name is empty. Nothing is checked against
// a table, since a user's own pipeline is in none; Check does that.
func (p Places) Add(path, name string) (*Model, error) {
	from, err := openPath(path)
	if tarred := (*tarError)(nil); errors.As(err, &tarred) {
		tmp, err := os.MkdirTemp("", "narwhal-add-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(tmp)
		from, err = openTar(path, tmp)
		if errors.Is(err, syscall.ENOSPC) {
			return nil, fmt.Errorf("%w; set TMPDIR to unpack it elsewhere than in %s", err, filepath.Dir(tmp))
		}
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	if name == "" {
		meta, err := from.Meta()
		if err != nil {
			return nil, fmt.Errorf("%w; say what to call it with --name", err)
		}
		name = meta.Lang + "_" + meta.Name
		if r := from.Release(); r != nil {
			name = r.Name
		}
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("add %s: %q is no name for a model: want letters, digits, dots, hyphens and underscores", path, name)
	}
	dir, err := p.install(from, name, nil)
	if err != nil {
		return nil, fmt.Errorf("add %s: %w", path, err)
	}
	return openDir(name, User, dir)
}

// Remove deletes a model from the user's models. It touches no other place.
func (p Places) Remove(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("remove %q: want the name of a model, as narwhal model list shows it", name)
	}
	if p.User != "" {
		dir := filepath.Join(p.User, name)
		if _, err := os.Lstat(dir); err == nil {
			return os.RemoveAll(dir)
		}
	}
	m, err := p.Find(name)
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	if m.Origin == Embedded {
		return fmt.Errorf("remove %s: it is a part of this program, and nothing is installed beside it", name)
	}
	return fmt.Errorf("remove %s: it is in %s, where narwhal does not install; what put it there can take it away", name, m.Path)
}

// install copies the wanted files of a model to a directory beside its final
// place, and renames that when all is there and right: whoever looks finds the
// old model or the new one, and a copy that was cut off is never taken for a
// model. With a release, each of its files must have its hash.
func (p Places) install(from *Model, name string, rel *Release) (string, error) {
	if p.User == "" {
		return "", errors.New("no home directory to install into: set HOME or XDG_DATA_HOME")
	}
	sizes, err := from.files.sizes()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(p.User, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(p.User, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // MkdirTemp's is for its owner only
		return "", err
	}
	want := map[string]string{}
	if rel != nil {
		for _, f := range rel.Files {
			if _, ok := sizes[f.Path]; !ok {
				return "", fmt.Errorf("%s is missing", f.Path)
			}
			want[f.Path] = f.SHA256
		}
	}
	for file := range sizes {
		if !wanted(file) {
			continue
		}
		got, err := copyFile(filepath.Join(tmp, filepath.FromSlash(file)), from.files, file)
		if err != nil {
			return "", spaceHint(err, p.User, sizes)
		}
		if w := want[file]; w != "" && got != w {
			return "", &HashError{File: file, Got: got, Want: w}
		}
	}
	dir := filepath.Join(p.User, name)
	return dir, replaceDir(tmp, dir)
}

// HashError is a file that is not the one it should be.
type HashError struct{ File, Got, Want string }

func (e *HashError) Error() string {
	return fmt.Sprintf("%s has SHA-256 %s, want %s", e.File, e.Got, e.Want)
}

// copyFile returns the SHA-256 of what it copied.
func copyFile(to string, from files, name string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	r, err := from.open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	defer w.Close()
	h := sha256.New()
	if _, err = io.Copy(io.MultiWriter(w, h), r); err == nil {
		err = w.Sync()
	}
	if err != nil {
		return "", fmt.Errorf("copy %s: %w", name, err)
	}
	return sum(h), w.Close()
}

func sum(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil)) }

// spaceHint says how much room is needed if there was none.
func spaceHint(err error, dir string, sizes map[string]int64) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	var need int64
	for name, n := range sizes {
		if wanted(name) {
			need += n
		}
	}
	return fmt.Errorf("%w: the model needs %d MB in %s; set XDG_DATA_HOME to have it elsewhere", err, need>>20+1, dir)
}

// replaceDir puts a directory in the place of another. Processes that have the
// old files open keep them.
func replaceDir(from, to string) error {
	if err := os.Rename(from, to); err == nil || !slices.ContainsFunc(
		[]error{fs.ErrExist, syscall.ENOTEMPTY}, func(e error) bool { return errors.Is(err, e) }) {
		return err
	}
	if err := exchange(from, to); err != nil {
		return fmt.Errorf("replace %s: %w", to, err)
	}
	return nil // from is the old one now, and the caller removes it
}
