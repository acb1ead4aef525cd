package model

import (
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// Hashes returns the model's files that narwhal can read to find entities, in the order of
// their paths. It reads all of them, but keeps none in memory.
func (m *Model) Hashes() ([]File, error) {
	sizes, err := m.files.Sizes()
	if err != nil {
		return nil, err
	}
	var files []File
	for name, size := range sizes {
		if !pipeline.Wanted(name) || pipeline.IsLicense(name) || name == "README.md" || name == "accuracy.json" {
			continue
		}
		sum, err := m.hash(name)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: name, Size: size, SHA256: sum})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}
