package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Dir is the folder of a pipeline.
type Dir string

// OpenFile opens a file of a pipeline directory, named with slashes. Links are
// followed as long as they stay in the directory, so a pipeline that somebody
// else made cannot name files of this machine. What is not a regular file is
// refused, because a named pipe or a device could be read without end.
func OpenFile(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	info, err := root.Stat(local)
	if err != nil {
		return nil, leadsOut(dir, name, err)
	}
	if err := regular(dir, name, info); err != nil { // to open a device may already do something
		return nil, err
	}
	f, err := root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, leadsOut(dir, name, err)
	}
	if info, err = f.Stat(); err == nil {
		err = regular(dir, name, info) // it may be another by now
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// regular returns an error unless a file has content that ends.
func regular(dir, name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%s in %s is a folder", name, dir)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s in %s is not a regular file", name, dir)
	case info.Size() > MaxFile:
		return fmt.Errorf("%s in %s is %d bytes, more than %d", name, dir, info.Size(), MaxFile)
	}
	return nil
}

// leadsOut explains the one error of os.Root that is not the system's.
func leadsOut(dir, name string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) && !errors.As(err, new(syscall.Errno)) {
		return fmt.Errorf("%s is, or lies behind, a link that leads out of %s; to have what it leads to, copy the folder with cp -rL", name, dir)
	}
	return err
}

// Sizes implements Files. It looks at every file. A link that leads out of the directory is an
// error, whatever its name: it may stand for a whole component.
func (d Dir) Sizes() (map[string]int64, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sizes := map[string]int64{}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		// A cache of downloads may be a directory of links, so a link counts
		// as what it leads to.
		info, err := root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a dead link, or a file that was removed just now
		}
		if err != nil {
			return leadsOut(string(d), name, err)
		}
		if info.IsDir() { // WalkDir does not go there
			return fmt.Errorf("%s in %s is a link, and what it leads to is a folder; to have that instead, copy the folder with cp -rL", name, string(d))
		}
		if Wanted(name) {
			if err := regular(string(d), name, info); err != nil {
				return err
			}
		}
		if info.Mode().IsRegular() {
			sizes[name] = info.Size()
		}
		return nil
	})
	return sizes, err
}

// Open implements Files, see OpenFile.
func (d Dir) Open(name string) (fs.File, error) { return OpenFile(string(d), name) }

// Bytes implements Files.
func (d Dir) Bytes(name string) ([]byte, error) {
	f, err := OpenFile(string(d), name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// ErrNoConfig says that there is no pipeline in a folder.
var ErrNoConfig = errors.New("no config.cfg in it: want the folder of a spaCy 3 pipeline, as nlp.to_disk writes it")

// Folder returns the folder with a config.cfg: path itself, or one up to two levels
// below it, as in an installed package (en_core_web_sm/en_core_web_sm-3.8.0) or an
// unpacked wheel. If there is none, the error is ErrNoConfig.
func Folder(path string) (string, error) {
	root, err := os.OpenRoot(path) // links out of it are not followed
	if err != nil {
		return "", err
	}
	defer root.Close()
	for _, pattern := range []string{"config.cfg", "*/config.cfg", "*/*/config.cfg"} {
		found, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return "", err
		}
		for i, name := range found {
			found[i] = filepath.Join(path, filepath.Dir(filepath.FromSlash(name)))
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return "", fmt.Errorf("%d pipelines in it: name one of %s", len(found), strings.Join(found, ", "))
		}
	}
	return "", ErrNoConfig
}
