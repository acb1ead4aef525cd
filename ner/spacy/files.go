package spacy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/narwhal-server/narwhal/internal/model"
)

// source gives the files of a pipeline by their slash-separated names, as
// bytes that are never written to and stay in place while the pipeline is
// used. A missing file is fs.ErrNotExist.
type source func(name string) ([]byte, error)

// read returns a file that has to be there; none that a pipeline needs is empty.
func (s source) read(name string) ([]byte, error) {
	data, err := s(name)
	if err == nil && len(data) == 0 {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// maxDepth is how far below a package's folder the pipeline's lies: in a
// wheel, en_core_web_sm/en_core_web_sm-3.8.0/config.cfg.
const maxDepth = 2

// findPipeline returns the folder of dir, or below it, that holds config.cfg.
func findPipeline(dir string) (string, error) {
	root, err := os.OpenRoot(dir) // links out of it are not followed
	if err != nil {
		return "", err
	}
	defer root.Close()
	var found []string
	for depth, pattern := 0, "."; depth <= maxDepth; depth, pattern = depth+1, pattern+"/*" {
		matches, err := fs.Glob(root.FS(), path.Join(pattern, "config.cfg"))
		if err != nil {
			return "", err
		}
		for _, m := range matches {
			found = append(found, filepath.Join(dir, filepath.FromSlash(path.Dir(m))))
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no config.cfg in it: want the folder of a spaCy 3 pipeline, as nlp.to_disk writes it")
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d pipelines in it: name one of %s", len(found), strings.Join(found, ", "))
}

// folder is a pipeline's folder, its files mapped into memory as they are read,
// so that processes that use the same pipeline share its pages.
type folder struct {
	dir  string
	maps []mapping
}

// read is the folder's source.
func (f *folder) read(name string) ([]byte, error) {
	file, err := model.OpenFile(f.dir, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	f.maps = append(f.maps, m)
	return m.data, nil
}

// forget gives the pages back that loading has read. Most of them, of weights
// that were packed since, nobody reads again; the others come back one by one.
func (f *folder) forget() {
	for _, m := range f.maps {
		m.forget()
	}
}

// close undoes the mappings.
func (f *folder) close() error {
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.close())
	}
	f.maps = nil
	return errors.Join(errs...)
}

// maxUnpacked bounds a compressed file of a wheel, whose header may lie. The
// largest real one, the vectors of en_core_web_lg 3.7, has 617 MB.
const maxUnpacked = 2 << 30

// zipSource reads a wheel, which is a zip file. Members that are stored and
// not compressed are used where they lie.
func zipSource(data []byte) (source, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("not a wheel: %w", err)
	}
	members := map[string]*zip.File{}
	var found []string
	for _, f := range r.File {
		members[f.Name] = f
		if path.Base(f.Name) == "config.cfg" && strings.Count(f.Name, "/") <= maxDepth {
			found = append(found, path.Dir(f.Name))
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d config.cfg in the wheel: want one, that of a spaCy 3 pipeline", len(found))
	}
	return func(name string) ([]byte, error) {
		f := members[path.Join(found[0], name)]
		if f == nil {
			return nil, fs.ErrNotExist
		}
		return unzip(data, f)
	}, nil
}

func unzip(data []byte, f *zip.File) ([]byte, error) {
	if f.Method == zip.Store {
		at, err := f.DataOffset()
		if err != nil {
			return nil, err
		}
		end := at + int64(f.UncompressedSize64)
		if at < 0 || end < at || end > int64(len(data)) {
			return nil, io.ErrUnexpectedEOF
		}
		return data[at:end:end], nil
	}
	if f.UncompressedSize64 > maxUnpacked {
		return nil, fmt.Errorf("%d bytes unpacked: no pipeline has so large a file", f.UncompressedSize64)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The size comes from the file too, so memory grows with what is there.
	var out bytes.Buffer
	out.Grow(int(min(f.UncompressedSize64, 64<<20)))
	if _, err := io.Copy(&out, io.LimitReader(r, maxUnpacked)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
