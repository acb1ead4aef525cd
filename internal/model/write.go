package model

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// WriteArchive writes the wanted files of a model as a zip file, for embedding in a program.
// The files are sorted by name and stored without compression and without times, so the same
// model gives the same bytes.
func WriteArchive(w io.Writer, m *Model) error {
	sizes, err := m.files.Sizes()
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		if !pipeline.Wanted(name) {
			continue
		}
		b, err := m.Bytes(name)
		if err != nil {
			return err
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
		if _, err := f.Write(b); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
	}
	return z.Close()
}
