package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// Dir is the folder of a pipeline.
type Dir string

// openRoot opens the folder that links in dir may not leave. It is dir, unless dir is a part
// of a download of Hugging Face's client:
//
//	models--OWNER--NAME/blobs/HASH                   a file
//	models--OWNER--NAME/snapshots/COMMIT/ner/model   a link to it
//
// Then it is models--OWNER--NAME, and below is the path of dir in it, with slashes. Otherwise
// below is ".".
func openRoot(dir string) (root *os.Root, below string, err error) {
	if download, below, ok := inDownload(dir); ok {
		root, err = os.OpenRoot(download)
		return root, below, err
	}
	root, err = os.OpenRoot(dir)
	return root, ".", err
}

// inDownload returns the folder models--OWNER--NAME that dir is in, and the path of dir in
// it. dir itself may be a link.
func inDownload(dir string) (download, below string, ok bool) {
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil { // os.OpenRoot returns an error that says why
		return "", "", false
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		snapshots := filepath.Dir(at)
		download := filepath.Dir(snapshots)
		if filepath.Base(snapshots) == "snapshots" && strings.HasPrefix(filepath.Base(download), "models--") {
			return download, filepath.ToSlash(strings.TrimPrefix(dir, download+string(filepath.Separator))), true
		}
	}
	return "", "", false
}

// OpenFile opens a file of a pipeline's folder. name has slashes. OpenFile follows links only
// if they stay in the folder, or in the same download of Hugging Face's client, so an
// untrusted pipeline cannot read other files of this machine. It fails for a file that is not
// a regular file, because reading a named pipe or a device may never end, and for a file that
// is larger than MaxSize.
func OpenFile(dir, name string) (*os.File, error) {
	root, below, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	local = filepath.Join(filepath.FromSlash(below), local)
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

// regular returns an error if a file is not a regular file, or is larger than MaxSize.
func regular(dir, name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%s in %s is a folder", name, dir)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s in %s is not a regular file", name, dir)
	case info.Size() > MaxSize:
		return fmt.Errorf("%s in %s is %d bytes, more than %d", name, dir, info.Size(), MaxSize)
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
// link to a folder. It fails if the wanted files together are larger than MaxSize.
func (d Dir) Sizes() (map[string]int64, error) {
	root, below, err := openRoot(string(d))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sizes, total := map[string]int64{}, int64(0)
	err = fs.WalkDir(root.FS(), below, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		// Stat follows links, because a cache of downloads may be a folder of links.
		info, err := root.Stat(filepath.FromSlash(name))
		if below != "." {
			name = strings.TrimPrefix(name, below+"/")
		}
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
			if total += info.Size(); total > MaxSize {
				return fmt.Errorf("the files in %s are larger than %d bytes together", string(d), MaxSize)
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
var ErrSpacy2 = fmt.Errorf("%w of version 3: it has a meta.json and no config.cfg, as a pipeline of spaCy 2, which spaCy 3 cannot load either: train it again with spaCy 3.8, or use a release of the same name for spaCy 3.8, such as that of narwhal model pull en_core_web_sm", ErrNotPipeline)

// depth is how many levels below a folder Folder looks for a pipeline.
const depth = 3

// Folder returns the folder with a config.cfg: folder itself, or a folder one to three levels
// below it, as in an installed package (en_core_web_sm/en_core_web_sm-3.8.0), in an unpacked
// wheel, in what spacy package writes, and in a download of Hugging Face's client. If there
// is none, the error is ErrNoConfig, or ErrSpacy2 if there is a pipeline of spaCy 2. If there
// are several on the same level, it is another error.
func Folder(folder string) (string, error) {
	root, below, err := openRoot(folder) // it does not follow links out of the folder
	if err != nil {
		return "", err
	}
	defer root.Close()
	old := false
	for level := range depth + 1 {
		var found []string
		for _, dir := range foldersBelow(root, below, level) {
			switch {
			case has(root, dir, "config.cfg"):
				rel, err := filepath.Rel(filepath.FromSlash(below), filepath.FromSlash(dir))
				if err != nil {
					return "", err
				}
				found = append(found, filepath.Join(folder, rel))
			case isOld(root, dir):
				old = true
			}
		}
		switch len(found) {
		case 0:
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

// foldersBelow returns the folders that are so many levels below dir, sorted. It does not
// follow links.
func foldersBelow(root *os.Root, dir string, levels int) []string {
	if levels == 0 {
		return []string{dir}
	}
	entries, _ := fs.ReadDir(root.FS(), dir) // a folder that cannot be read has no pipeline
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, foldersBelow(root, path.Join(dir, e.Name()), levels-1)...)
		}
	}
	return list
}

// has reports whether a folder has a file, or a link that does not lead out of root.
func has(root *os.Root, dir, name string) bool {
	_, err := root.Stat(filepath.FromSlash(path.Join(dir, name)))
	return err == nil
}

// isOld reports whether a folder is that of a pipeline of spaCy 2.
func isOld(root *os.Root, dir string) bool {
	_, err := root.Lstat(filepath.FromSlash(path.Join(dir, "config.cfg"))) // a link that leads out is there, too
	return errors.Is(err, fs.ErrNotExist) && has(root, dir, "meta.json") && has(root, dir, "tokenizer")
}
