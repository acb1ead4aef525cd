package spacy

import (
	"errors"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/pipeline"
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

// folder is a pipeline's folder, its files mapped into memory as they are read,
// so that processes that use the same pipeline share its pages.
type folder struct {
	dir  string
	maps []mapping
}

// read is the folder's source.
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
