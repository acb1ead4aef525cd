package spacy

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// source returns a file of a pipeline by its slash-separated name. The bytes are
// never written to, and stay in place while the pipeline is used. For a missing file
// the error is fs.ErrNotExist.
type source func(name string) ([]byte, error)

// read returns a file that the pipeline needs. It fails if the file is missing or
// empty.
func (s source) read(name string) ([]byte, error) {
	data, err := s(name)
	switch {
	case err != nil:
	case len(data) == 0:
		err = errors.New("the file is empty")
	case bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")):
		err = errors.New("it is a pointer of Git LFS, not the file: in the repository run git lfs pull")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// folder is a pipeline's folder. It maps each file into memory, so processes that use
// the same pipeline share the files' pages.
type folder struct {
	dir  string
	maps []mapping // of the files read so far
}

// read is the folder's source: it maps a file and returns its bytes.
func (f *folder) read(name string) ([]byte, error) {
	file, err := pipeline.OpenFile(f.dir, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	if name == "vocab/vectors" {
		m.scattered()
	}
	f.maps = append(f.maps, m)
	return m.data, nil
}

// forget removes the pages that loading has read from this process's memory. Most of
// them hold weights that are packed now, and are not read again. The others return
// one by one when they are read.
func (f *folder) forget() {
	for _, m := range f.maps {
		m.forget()
	}
}

// close unmaps the files.
func (f *folder) close() error {
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.close())
	}
	f.maps = nil
	return errors.Join(errs...)
}
