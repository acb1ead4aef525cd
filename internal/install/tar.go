package install

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// openTar unpacks an archive into the folder dir and opens the pipeline there. It skips files
// that no pipeline needs. Unlike a wheel, a tar archive cannot be read in place.
func openTar(name, dir string) (*model.Model, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var content io.Reader = r
	if magic, _ := r.Peek(2); string(magic) == "\x1f\x8b" {
		if content, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
	}
	files, err := unpack(content, dir)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	root, err := pipeline.Root(files)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	return model.OpenDir(name, model.Path, path.Join(dir, root))
}

// unpack writes the files of an archive that may be wanted below dir. It returns the names of
// all files. It fails if an entry is neither a regular file nor a folder, if a name leads out
// of the archive or occurs twice, and if there are too many entries or bytes.
func unpack(content io.Reader, dir string) (map[string]bool, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := map[string]bool{}
	entries, total := 0, int64(0)
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if entries++; entries > pipeline.MaxEntries {
			return nil, fmt.Errorf("the archive has more than %d entries", pipeline.MaxEntries)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := strings.TrimPrefix(h.Name, "./")
		total += h.Size
		switch {
		case h.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("the archive's entry %q is not a file", h.Name)
		case !fs.ValidPath(name):
			return nil, fmt.Errorf("the archive has an entry %q, which leads outside of it", h.Name)
		case files[name]:
			return nil, fmt.Errorf("the archive has two entries %q", name)
		case total > pipeline.MaxFile:
			return nil, fmt.Errorf("the archive unpacks to %d bytes, more than %d", total, pipeline.MaxFile)
		}
		files[name] = true
		if !mayBeWanted(name) {
			continue
		}
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return nil, err
		}
		w, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(w, r)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
	}
}

// mayBeWanted reports whether a file of an archive would be wanted if one of its parent
// folders, or the top of the archive, were the pipeline's folder.
func mayBeWanted(name string) bool {
	for {
		if pipeline.Wanted(name) {
			return true
		}
		var found bool
		if _, name, found = strings.Cut(name, "/"); !found {
			return false
		}
	}
}
