package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// dirFiles is a pipeline directory.
type dirFiles string

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
	case info.Size() > maxFile:
		return fmt.Errorf("%s in %s is %d bytes, more than %d", name, dir, info.Size(), maxFile)
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

// sizes looks at every file. A link that leads out of the directory is an
// error, whatever its name: it may stand for a whole component.
func (d dirFiles) sizes() (map[string]int64, error) {
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
		if wanted(name) {
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

func (d dirFiles) open(name string) (fs.File, error) { return OpenFile(string(d), name) }

func (d dirFiles) bytes(name string) ([]byte, error) {
	f, err := OpenFile(string(d), name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// pipelineDir is the pipeline directory a path leads to: itself, or the one
// below it that holds a config.cfg, as in an installed package or an unpacked
// wheel.
func pipelineDir(path string) (string, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return "", err
	}
	defer root.Close()
	for _, pattern := range []string{"config.cfg", "*/config.cfg", "*/*/config.cfg"} {
		found, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return "", err
		}
		if len(found) == 1 {
			return filepath.Join(path, filepath.Dir(filepath.FromSlash(found[0]))), nil
		}
		if len(found) > 1 {
			return "", fmt.Errorf("%d pipelines in it; say which: %s", len(found), filepath.Join(path, filepath.Dir(filepath.FromSlash(found[0]))))
		}
	}
	return path, nil // and isPipeline will say what it lacks
}
