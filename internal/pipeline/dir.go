package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Dir is the folder of a pipeline.
type Dir string

// OpenFile opens a file of a pipeline's folder. name has slashes. OpenFile follows links only
// if they stay in the folder, so an untrusted pipeline cannot read other files of this
// machine. It fails for a file that is not a regular file, because reading a named pipe or a
// device may never end, and for a file that is larger than MaxFile.
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
	if err := regular(dir, name, info); err != nil { // opening a device may have an effect
		return nil, err
	}
	f, err := root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, leadsOut(dir, name, err)
	}
	if info, err = f.Stat(); err == nil {
		err = regular(dir, name, info) // it may have been replaced meanwhile
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// regular returns an error if a file is not a regular file, or is larger than MaxFile.
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

// leadsOut returns err, or a clearer error if err means that a link leads out of the folder.
// That is the only error of os.Root without a syscall.Errno.
func leadsOut(dir, name string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) && !errors.As(err, new(syscall.Errno)) {
		return fmt.Errorf("%s is, or is behind, a link that leads out of %s; to replace links by files, copy the folder with cp -rL", name, dir)
	}
	return err
}

// Sizes implements Files. It looks at every file in the folder. A link that leads out of the
// folder is an error, whatever its name, because it may replace a whole component. So is a
// link to a folder.
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
		// Stat follows links, because a cache of downloads may be a folder of links.
		info, err := root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link to nothing, or a file that was removed meanwhile
		}
		if err != nil {
			return leadsOut(string(d), name, err)
		}
		if info.IsDir() { // WalkDir does not follow a link to a folder
			return fmt.Errorf("%s in %s is a link to a folder; to replace links by folders, copy the folder with cp -rL", name, string(d))
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

// Open implements Files with OpenFile.
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

// ErrNoConfig is the error of Folder for a folder without a pipeline.
var ErrNoConfig = errors.New("no config.cfg in it: want the folder of a spaCy 3 pipeline, as nlp.to_disk writes it")

// ErrSpacy2 is the error for a pipeline with a meta.json and a tokenizer, but without a
// config.cfg.
var ErrSpacy2 = fmt.Errorf("%w of version 3: it has a meta.json and no config.cfg, as pipelines of spaCy 2: train it again with spaCy 3", ErrNotPipeline)

// Folder returns the folder with a config.cfg: folder itself, or a folder one or two levels
// below it, as in an installed package (en_core_web_sm/en_core_web_sm-3.8.0) or an unpacked
// wheel. If there is none, the error is ErrNoConfig, or ErrSpacy2 if there is a pipeline of
// spaCy 2. If there are several on the same level, it is another error.
func Folder(folder string) (string, error) {
	root, err := os.OpenRoot(folder) // it does not follow links out of folder
	if err != nil {
		return "", err
	}
	defer root.Close()
	old := false
	for _, pattern := range []string{"config.cfg", "*/config.cfg", "*/*/config.cfg"} {
		found, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return "", err
		}
		for i, name := range found {
			found[i] = filepath.Join(folder, filepath.Dir(filepath.FromSlash(name)))
		}
		switch len(found) {
		case 0:
			metas, _ := fs.Glob(root.FS(), strings.TrimSuffix(pattern, "config.cfg")+"meta.json")
			old = old || slices.ContainsFunc(metas, func(meta string) bool { return isOld(root, path.Dir(meta)) })
		case 1:
			return found[0], nil
		default:
			return "", fmt.Errorf("%d pipelines in it: name one of %s", len(found), strings.Join(found, ", "))
		}
	}
	if old {
		return "", ErrSpacy2
	}
	return "", ErrNoConfig
}

// isOld reports whether a folder with a meta.json is that of a pipeline of spaCy 2.
func isOld(root *os.Root, dir string) bool {
	_, tokenizer := root.Stat(path.Join(dir, "tokenizer"))
	_, config := root.Lstat(path.Join(dir, "config.cfg")) // a link that leads out is there, too
	return tokenizer == nil && errors.Is(config, fs.ErrNotExist)
}
