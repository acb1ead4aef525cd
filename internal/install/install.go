// Package install installs spaCy pipelines where internal/model finds them: from a folder, a
// wheel or a tar archive, with pip, or over HTTPS. It keeps only files that narwhal reads,
// and it runs no code of a package.
package install

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// Add installs a pipeline directory, wheel or tar archive in the user's models. If name is
// "", the name is the one in meta.json. A model of that name there is replaced. Add does not
// compare hashes, because it is made for a user's own pipelines. Model.Check compares them.
//
// If try is not nil, Add calls it with the folder of the copy, before the copy has its name.
// If try fails, nothing is installed.
func Add(to model.Places, path, name string, try func(dir string) error) (*model.Model, error) {
	from, err := model.Open(path)
	if tarred := (*model.TarError)(nil); errors.As(err, &tarred) {
		tmp, err := os.MkdirTemp("", "narwhal-add-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(tmp)
		from, err = openTar(path, tmp)
		if errors.Is(err, syscall.ENOSPC) {
			return nil, fmt.Errorf("%w; set TMPDIR to unpack it in another folder than %s", err, filepath.Dir(tmp))
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
			return nil, fmt.Errorf("%w; give it a name with --name NAME", err)
		}
		name = meta.Lang + "_" + meta.Name
		if r := from.Release(); r != nil {
			name = r.Name
		}
	}
	if !model.ValidName(name) {
		return nil, fmt.Errorf("add %s: %q is not a valid name for a model: want letters, digits, dots, hyphens and underscores", path, name)
	}
	dir, err := copyTo(to, from, name, nil, try)
	if err != nil {
		return nil, fmt.Errorf("add %s: %w", path, err)
	}
	return model.OpenDir(name, model.User, dir)
}

// openTar unpacks a tar archive into the empty folder dir and opens the pipeline there.
func openTar(file, dir string) (*model.Model, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	folder, err := pipeline.Untar(f, dir)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", file, err)
	}
	return model.OpenDir(file, model.Path, folder)
}

// Remove deletes a model from the user's models and returns its folder. It fails for a model
// that is only in another place.
func Remove(from model.Places, name string) (string, error) {
	if !model.ValidName(name) {
		return "", fmt.Errorf("remove %q: want the name of a model, as narwhal model list shows it", name)
	}
	if from.User != "" {
		dir := filepath.Join(from.User, name)
		if _, err := os.Lstat(dir); err == nil {
			return dir, os.RemoveAll(dir)
		}
	}
	m, err := from.Find(name)
	if err != nil {
		return "", fmt.Errorf("remove: %w", err)
	}
	if m.Origin == model.Embedded {
		return "", fmt.Errorf("remove %s: it is a part of this program, which cannot be removed", name)
	}
	return "", fmt.Errorf("remove %s: it is in %s, where narwhal does not install; remove it with what installed it", name, m.Path)
}

// copyTo copies the wanted files of a model to a new directory in the user's models, and
// returns the model's directory. If rel is not nil, each of the release's files must have the
// right hash. If try is not nil, it must succeed with the new directory. The new directory is
// renamed only when it is complete. So Find never finds an incomplete copy.
func copyTo(to model.Places, from *model.Model, name string, rel *model.Release, try func(dir string) error) (string, error) {
	if to.User == "" {
		return "", errors.New("no home directory to install into: set HOME or XDG_DATA_HOME")
	}
	files := from.Files()
	sizes, err := files.Sizes()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(to.User, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(to.User, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // MkdirTemp makes it with mode 0700
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
		if !pipeline.Wanted(file) {
			continue
		}
		got, err := copyFile(filepath.Join(tmp, filepath.FromSlash(file)), files, file)
		if err != nil {
			return "", spaceHint(err, to.User, sizes)
		}
		if w := want[file]; w != "" && got != w {
			return "", &model.HashError{File: file, Got: got, Want: w}
		}
	}
	if try != nil {
		if err := try(tmp); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(to.User, name)
	return dir, replaceDir(tmp, dir)
}

// copyFile copies a file and returns its SHA-256. The file to must not exist.
func copyFile(to string, from pipeline.Files, name string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	r, err := from.Open(name)
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
	return fmt.Sprintf("%x", h.Sum(nil)), w.Close()
}

// spaceHint returns err. If err means that there is no space left, it adds how much space the
// model needs.
func spaceHint(err error, dir string, sizes map[string]int64) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	var need int64
	for name, n := range sizes {
		if pipeline.Wanted(name) {
			need += n
		}
	}
	return fmt.Errorf("%w: the model needs %d MB in %s; set XDG_DATA_HOME to use another folder", err, need>>20+1, dir)
}
